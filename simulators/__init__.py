"""The partners of the demonstration as real servers with real protocols and fault knobs.

Everything they say is synthetic and follows docs/reference/partner-interfaces.md; nothing here is shipped in the wheel.
"""
