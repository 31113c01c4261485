"""Feed every parser with damaged files: ``python -m tests.readers.fuzz --seconds 300``.

Whatever a file holds, a reader gives pages or refuses it; anything else is a finding, and the bytes that led
to it are kept. Parsers in pure Python run in this process, which is faster; those that decode with C libraries
run where they always do, in a process of the reader's pool, so that a crash is seen and survived.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import io
import random
import struct
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from PIL import Image

from alfrd_events.errors import AlfrdError, Transient, Unreadable
from alfrd_events.reading import frames, local
from alfrd_events.reading.formats.opening import open_source
from alfrd_events.sandbox import wire
from alfrd_events.sandbox.limits import ReaderLimits
from tests.readers.cms_writer import armoured, der, sealed, signed
from tests.readers.container_inputs import docx, mail, paragraph, zipped
from tests.readers.outlook_writer import compound, outlook
from tests.readers.pdf_inputs import form, layered, mapped_page, with_files, xfa
from tests.readers.reader_inputs import encoded, part, pdf, picture, scan_page, text_page, tiff
from tests.readers.tnef_writer import BINARY, WIDE, attached_message, packed, tnef

LIMITS = ReaderLimits(max_pages=50, max_members=50, max_unpacked_bytes=20_000_000, max_pixels=2_000_000)
TOKENS = (
    *(b"\0", b"\xff" * 4, b"\x7f\xff\xff\xff", b"\0\0\0\0", b"\x80\0\0\0", b"-1", b"99999999999", b"1e999", b"NaN"),
    *(b"<", b">", b"</", b"<!--", b"<![CDATA[", b"<!DOCTYPE x [", b"&#x110000;", b"&#0;", b"&", b"]]>", b"<?xml"),
    *(b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"../", b"\r\n\r\n", b"=?utf-8?b?", b"=?x?q?=", b"boundary="),
    *(b"Content-Type: message/rfc822\r\n\r\n", b"charset=utf-7", b"charset=\xff", b"base64", b"filename*=x'y'%ff"),
    *(b"obj", b"endobj", b"stream", b"/Kids [1 0 R]", b"/Filter /FlateDecode", b"/Length 99999999", b"/Rotate 45"),
    *(b"\x30\x80", b"\x24\x80", b"\xa0\x80", b"\x04\x84\xff\xff\xff\xff", b"\x78\x9f\x3e\x22", b"\x02\x05\x90\6\0"),
    *(b"\nFrom a Thu Mar  5 09:30:00 2026\n", b"\r", b"begin 644 a\n", b"-----BEGIN PGP MESSAGE-----\n"),
    *(b"\\bin9999 ", b"\\u99999999 ", b"\\ansicpg0", b"{\\field{\\*\\fldinst{HYPERLINK \"", b"\\uc", b"\\'zz"),
    *("\ud800".encode("utf-16-le", "surrogatepass"), b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x0c"),
)  # fmt: skip


@dataclass(frozen=True)
class Target:
    """A parser and files that it reads."""

    seeds: tuple[bytes, ...]
    in_process: bool = True
    rebuild: Callable[[bytes, Callable[[bytes], bytes]], bytes] | None = None
    """Damage what is inside instead of the packing around it."""


def targets() -> dict[str, Target]:
    """A target for each parser entry of the readers."""
    bill = pdf(
        [text_page([(72, 720, "City Water bill 4471")]), text_page([(72, 700, "Total 25.00")], rotate=90)]
    )
    small = picture(("Total 25.00",), size=(220, 90), text_size=24)
    images = {
        name: Target((encoded(small, name.upper()),), in_process=False)
        for name in ("png", "jpeg", "webp", "bmp", "gif")
    }
    invoices = Path(__file__).parent / "invoices"
    ubl = (invoices / "ubl.xml").read_bytes()
    attached = {"a.txt": b"note" * 2000, "m": outlook(inside=True)}
    letter = docx(
        paragraph("Dear tenant, the rent for March is 1,200.00, due on the fifth.") * 3
        + "<w:tbl><w:tr><w:tc><w:p/></w:tc></w:tr></w:tbl>",
        header1__xml="<w:hdr xmlns:w='w'><w:p><w:r><w:t>Green Valley</w:t></w:r></w:p></w:hdr>",
    )
    return {
        "text": Target(("Größe: 25,00 €\f2".encode(), "Größe".encode("utf-16"), "Größe: 25,00".encode("latin-1"))),
        "html": Target((PAGE, b"<html><body>" + b"<table><tr><td>a<td>b</table>" * 5)),
        "docx": Target((letter,), rebuild=inside_zip),
        "zip": Target((zipped({"a.txt": "a" * 900, "b.html": PAGE, "c.zip": zipped({"d.txt": "d"})}),)),
        "mail": Target((mail("Hello", html=PAGE.decode(), a__txt=b"note", b__xml=ubl), nested())),
        "mailbox": Target((mailbox(),)),
        "wrapped mail": Target(wrapped()),
        "signed": Target(
            (signed(mail("Hello", a__txt=b"note")), signed(ubl, pieces=50, depth=2), armoured(signed(signed(ubl)))),
            rebuild=inside_signature,
        ),
        "winmail": Target((winmail(), tnef(attached_message("inside", winmail())))),
        "rtf": Target((with_rtf(RTF),), rebuild=lambda _, damage: with_rtf(damage(RTF))),
        "outlook": Target((compound(outlook(html=PAGE, attachments=attached)),)),
        "cii": Target(((invoices / "cii.xml").read_bytes(),)),
        "ubl": Target((ubl,)),
        "frame": Target((FRAME,)),
        "pdf": Target((bill, pdf([scan_page(small)])), in_process=False),
        "pdf form": Target((FORM,), in_process=False),
        "pdf layers": Target((layered(), layered(nested=True), layered(member=True)), in_process=False),
        "pdf fonts": Target((mapped_page([(72, 700, "Total 25.00")], lambda char: char),), in_process=False),
        "xfa": Target((FILLED,), in_process=False, rebuild=lambda data, damage: xfa([(b"datasets", damage(data))])),
        "pdf files": Target(
            (bill,), in_process=False, rebuild=lambda data, damage: with_files([], [("a.pdf", damage(data))])
        ),
        "tiff": Target((tiff([["A"], ["B"]]), encoded(small, "TIFF")), in_process=False),
        "heif": Target((heif(),), in_process=False),
        **images,
    }  # fmt: skip


FORM = form(
    [
        ("Company", b"/FT /Tx /V (Green Valley) /AP << /N 6 0 R >>"),
        ("Method", b"/FT /Ch /Ff 131072 /Opt [(Card) (Cash)] /V (Cash)"),
        ("Paid", b"/FT /Btn /V /Yes /AS /Yes"),
    ],
    added=[(b"<< /Type /XObject /Subtype /Form /BBox [0 0 200 20]", b"/Tx BMC EMC")],
)
FILLED = (
    b"<x:datasets xmlns:x='http://www.xfa.org/schema/xfa-data/1.0/'><x:data><bill><company>Green Valley</company>"
    b"<line><sum>25.00</sum></line></bill></x:data></x:datasets>"
)
PAGE = b"""<!doctype html><html><head><meta charset="utf-8"><style>x{}</style></head><body><h1>Bill &amp; more</h1>
<table><tr><td>Total<td>25.00</table><p hidden>x</p><pre>a  b</pre><ul><li>1<li>2</ul><!-- c --></body></html>"""
FRAME = wire.encode(
    {
        "kind": "page", "number": 1, "text": "Total 25.00", "confidence": 0.9, "width": 10.0, "height": 10.0,
        "lines": [["Total", 0.1, 0.1, 0.2, 0.2, 0.9]], "source": "ocr", "rotation": 0, "invoice": None,
    }
)[4:]  # fmt: skip


def heif() -> bytes:
    out = io.BytesIO()
    import pillow_heif

    pillow_heif.from_pillow(Image.new("RGB", (64, 64), "white")).save(out)
    return out.getvalue()


RTF = (
    rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fcharset204 A;}}{\*\x y}\pard\f0 \'cf Total\u8364?25\tab{\b x}\par end}"
    * 2
)


def winmail() -> bytes:
    return packed(
        "Dear customer",
        subject="Your bill",
        properties=((WIDE, 0x0C1A, "City Water".encode("utf-16-le")), (BINARY, 0x1013, PAGE)),
        a__txt=b"note",
        b__html=PAGE,
    )


def mailbox() -> bytes:
    line = b"From a@x.example Thu Mar  5 09:30:00 2026\n"
    return b"".join(line + mail(f"mail {number}", a__txt=b"note") + b"\n" for number in range(3))


def wrapped() -> tuple[bytes, ...]:
    message = mail("begin 644 a.txt\n$;F]T90``\n`\nend\n", a__txt=b"note")
    apple = b"%d\n" % len(message) + message + b"<?xml version='1.0'?><plist/>"
    return apple, message.decode().encode("utf-16"), b"a banner\n" + message.replace(b"\n", b"\r") + bytes(64)


def inside_signature(data: bytes, damage: Callable[[bytes], bytes]) -> bytes:
    """Damage what is signed, or the structure that says what it is."""
    if b"-----BEGIN" in data:
        return armoured(damage(sealed()))
    return signed(damage(mail("Hello", a__txt=b"note"))) + damage(der(0x30, data[:40]))


def with_rtf(text: bytes) -> bytes:
    """A message with its text in RTF: as it is, or as if it were compressed."""
    kind = (0x414C454D, 0x75465A4C)[len(text) % 2]
    head = struct.pack("<IIII", len(text) + 12, len(text), kind, 0)
    return packed(properties=((BINARY, 0x1009, head + text),))


def nested() -> bytes:
    outer = EmailMessage()
    outer["From"], outer["To"], outer["Message-ID"] = "a@x.example", "b@x.example", "<1@x>"
    outer.set_content("see below")
    outer.add_attachment(EmailMessage())
    return outer.as_bytes()


def inside_zip(data: bytes, damage: Callable[[bytes], bytes]) -> bytes:
    """Damage the files of an archive and pack it anew, so that the damage reaches the parser behind it."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return zipped({name: damage(archive.read(name)) for name in archive.namelist()})


def mutated(seeds: tuple[bytes, ...], chance: random.Random) -> bytes:
    """One seed with a few bytes flipped, cut, repeated, moved, or taken from a list of trouble."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.choice((1, 1, 2, 3, 5, 12))):
        if not data:
            break
        at = chance.randrange(len(data))
        length = min(chance.choice((1, 2, 4, 16, 64, 512)), len(data) - at)
        match chance.randrange(8):
            case 0:
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                data[at : at + length] = chance.randbytes(length)
            case 2:
                del data[at : at + length]
            case 3:
                data[at:at] = data[at : at + length] * chance.choice((1, 2, 50))
            case 4:
                data[at : at + chance.choice((0, length))] = chance.choice(TOKENS)
            case 5:
                other = chance.choice(seeds)
                start = chance.randrange(len(other))
                data[at:at] = other[start : start + length * 4]
            case 6:
                there = chance.randrange(len(data))
                data[there : there + length] = data[at : at + length]
            case 7 if chance.random() < 0.3:
                del data[at:]
    return bytes(data)


class Fuzzer:
    """Runs targets and keeps count."""

    def __init__(self, seed: int, keep: Path | None = None) -> None:
        self._chance = random.Random(seed)
        self._keep = keep
        self._runner = asyncio.Runner()
        self._reader = local.LocalReader(LIMITS, processes=1)
        self.counts: Counter[str] = Counter()
        self.findings: dict[str, bytes] = {}

    def close(self) -> None:
        self._runner.run(self._reader.aclose())
        self._runner.close()

    def once(self, name: str, target: Target) -> None:
        """Damage a file and have it read."""
        chance = self._chance
        if target.rebuild and chance.random() < 0.7:
            data = target.rebuild(
                chance.choice(target.seeds), lambda one: mutated((one,), chance) if one else one
            )
        else:
            data = mutated(target.seeds, chance)
        began = time.monotonic()
        outcome = self.outcome(name, target, data)
        took = time.monotonic() - began
        self.counts[f"{name}: {outcome.split(':')[0]}"] += 1
        if outcome not in ("read", "refused") or took > 20:
            self.findings.setdefault(
                f"{name}: {outcome}" + (f" after {took:.0f} s" if took > 20 else ""), data
            )
            if self._keep:
                self._keep.mkdir(parents=True, exist_ok=True)
                (self._keep / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}").write_bytes(data)

    def outcome(self, name: str, target: Target, data: bytes) -> str:
        """``read``, ``refused``, or what went wrong."""
        try:
            if name == "frame":
                frames.page_of(wire.decode(data), part(b""))
            elif target.in_process:
                source = open_source(data, "fuzzed", LIMITS)
                for number in range(1, source.page_count + 1):
                    wire.encode(source.read(number).frame(number))
                source.close()
            else:
                self._runner.run(self._read(data))
        except Unreadable as refusal:
            return "crash" if "crash or run out" in str(refusal) else "refused"
        except (Transient, wire.Garbled) as error:
            return "refused" if name == "frame" else f"{type(error).__name__}: {error}"
        except AlfrdError as error:
            return f"{type(error).__name__}: {error}"
        except Exception as error:  # noqa: BLE001 - what it is, is the finding
            trace = error.__traceback__
            while trace and trace.tb_next:
                trace = trace.tb_next
            place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
            return f"{type(error).__name__} at {place}"
        return "read"

    async def _read(self, data: bytes) -> None:
        async for _ in self._reader.read(part(data, "fuzzed")):
            pass


def in_turn(chosen: dict[str, Target]) -> Iterator[tuple[str, Target]]:
    """The fast ones many times for each time of a slow one."""
    while True:
        for name, target in chosen.items():
            for _ in range(30 if target.in_process else 1):
                yield name, target


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=300)
    arguments.add_argument("--seed", type=int, default=int(time.time()))
    arguments.add_argument("--target", action="append", help="one of them only; may be repeated")
    arguments.add_argument("--keep", type=Path, help="a folder for the files that led to findings")
    asked = arguments.parse_args()
    chosen = {name: one for name, one in targets().items() if not asked.target or name in asked.target}
    fuzzer = Fuzzer(asked.seed, asked.keep)
    end = time.monotonic() + asked.seconds
    for name, target in in_turn(chosen):
        if time.monotonic() > end:
            break
        fuzzer.once(name, target)
    fuzzer.close()
    print(f"seed {asked.seed}: {sum(fuzzer.counts.values()):,} files, {len(fuzzer.findings)} findings")
    for outcome, count in sorted(fuzzer.counts.items()):
        print(f"  {count:>8,}  {outcome}")
    for finding, data in fuzzer.findings.items():
        print(f"FOUND {finding} ({len(data):,} bytes)")
    return bool(fuzzer.findings)


if __name__ == "__main__":
    sys.exit(main())
