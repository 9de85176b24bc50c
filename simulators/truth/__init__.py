"""What is true in the five pilot cities on one day: the only source of all that the mirrored partners say.

See docs/decisions/0016-mirrored-partners.md. The same seed, scale and day give the same facts; nothing lies after the day.
"""

from simulators.truth.document import Document
from simulators.truth.populations import Truth

__all__ = ["Document", "Truth"]
