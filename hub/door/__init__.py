"""The door: where a partner's program says that something of its own is ready, and the hub looks at once (docs/reference/door.md).

It lies outside Airflow's login; a signature is what lets a caller in, and all that a knock can bring about is a look.
"""
