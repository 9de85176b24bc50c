"""The durable state in PostgreSQL: all SQL of the hub stands in this package, one function per question, parameters bound."""
