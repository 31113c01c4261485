"""What one document may cost at most. Plain numbers, shared by the reader and its processes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReaderLimits:
    """Bounds for the ``local`` reader; beyond them a part is refused, never read in half."""

    max_bytes: int = 100 * 1024 * 1024
    """Size of one part."""
    max_pages: int = 1_000
    """Pages of one part."""
    max_pixels: int = 100_000_000
    """Width times height of one image, checked in its header before a pixel is decoded."""
    max_members: int = 500
    """Files in one mail or archive, those in the archives inside it included."""
    max_unpacked_bytes: int = 300 * 1024 * 1024
    """What they may have together once unpacked."""
    max_depth: int = 3
    """Mails and archives inside one another."""
    max_page_characters: int = 5_000_000
    """Text of one page."""
    max_part_characters: int = 50_000_000
    """Text of all pages of one part together; a thick book has two million."""
    memory_bytes: int = 3 * 1024 * 1024 * 1024
    """Address space of one process. The models and one ordinary page take about a third of it."""
    page_cpu_seconds: int = 60
    """Processor time for one page; more means that the page is at fault, and the part is refused."""
    page_seconds: float = 180.0
    """Time on the clock for one page; more means that the machine is at fault, and the part is retried."""
    part_seconds: float = 3_600.0
    """Time on the clock for all pages of one part."""
    idle_seconds: float = 300.0
    """A process with nothing to do for that long is ended, to give its memory back."""
    ocr_engine: str = "auto"
    """Which engine recognises text; not a limit, but as these it goes to each process of a reader."""
