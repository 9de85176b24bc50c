"""Partners made from their mappings: what a mapping reads, written backwards (docs/decisions/0016-mirrored-partners.md).

Mappings and code tables are read as plain data; nothing is imported from the hub, so the simulators judge it independently.
Only `check`, which holds both against each other, knows the hub.
"""
