"""Signed mails and files are read without their signature; encrypted ones are refused as what they are."""

from __future__ import annotations

import base64
import datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7

from alfrd_events.errors import Unreadable
from alfrd_events.reading.formats import cms
from tests.readers.cms_writer import AUTH_ENVELOPED, COMPRESSED, ENVELOPED, armoured, der, sealed, signed
from tests.readers.container_inputs import mail, zipped
from tests.readers.reader_inputs import Inspect, Read, pdf, text_page

BILL = pdf([text_page([(72, 720, "City Water bill 4471")]), text_page([(72, 720, "Total due 25.00")])])
BILL_TEXTS = ["City Water bill 4471", "Total due 25.00"]
INVOICE = (Path(__file__).parent / "invoices" / "ubl.xml").read_bytes()
OPEN_IT = "open it in your mail program, which has the key; save there what is attached"


def texts(read: Read, content: bytes) -> list[str]:
    return [page.text for page in read(content)]


def entity(text: str = "The bill is attached.", **attachments: bytes) -> bytes:
    """What a mail program signs: the message's parts, without its headers."""
    message = EmailMessage()
    message.set_content(text)
    for name, content in (attachments or {"bill__pdf": BILL}).items():
        message.add_attachment(
            content, maintype="application", subtype="pdf", filename=name.replace("__", ".")
        )
    del message["MIME-Version"]
    return message.as_bytes()


def opaque(content: bytes, kind: str = "signed-data", media_type: str = "application/pkcs7-mime") -> bytes:
    """A mail that is nothing but a cryptographic message."""
    head = (
        "From: City Water <bills@citywater.example>\nTo: ana@home.example\nSubject: Your bill\nMessage-ID: <1>\n"
        f'MIME-Version: 1.0\nContent-Type: {media_type}; smime-type={kind}; name="smime.p7m"\n'
        "Content-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=smime.p7m\n\n"
    )
    return head.encode() + base64.encodebytes(content)


def really_signed(content: bytes, *options: pkcs7.PKCS7Options) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "City Water")])
    now = datetime.datetime(2026, 3, 5, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=1))
    ).sign(key, hashes.SHA256())
    builder = pkcs7.PKCS7SignatureBuilder(content, [(certificate, key, hashes.SHA256(), None)])
    return builder.sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary, *options])


FORMS = {
    "DER": signed,
    "lengths not told, in pieces": lambda content: signed(content, pieces=1000),
    "pieces in pieces": lambda content: signed(content, pieces=100, depth=3),
    "signed twice": lambda content: signed(signed(content, pieces=50)),
    "by another program": really_signed,
}


@pytest.mark.parametrize("form", FORMS)
def test_a_signed_mail_is_read_like_any_other(read: Read, inspect: Inspect, form: str) -> None:
    content = opaque(FORMS[form](entity()))
    assert inspect(content).media_type == "message/rfc822"
    first, *rest = texts(read, content)
    assert first.splitlines()[0] == "From: City Water <bills@citywater.example>"
    assert first.endswith("Subject: Your bill\n\nThe bill is attached.")
    assert rest == BILL_TEXTS


@pytest.mark.parametrize("media_type", ["application/x-pkcs7-mime", "application/octet-stream"])
def test_a_signed_mail_is_told_by_its_bytes(read: Read, media_type: str) -> None:
    assert texts(read, opaque(signed(entity()), media_type=media_type))[1:] == BILL_TEXTS


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "written", [bytes, base64.encodebytes, base64.b64encode, armoured, lambda data: armoured(data, "CMS")],
    ids=["binary", "base64", "base64 in one line", "PEM", "PEM of CMS"],
)  # fmt: skip
def test_a_signed_file_is_read_in_every_form(read: Read, inspect: Inspect, form: str, written) -> None:  # type: ignore[no-untyped-def]
    content = written(FORMS[form](entity()))
    assert inspect(content).media_type == "application/pkcs7-mime"
    assert texts(read, content) == ["The bill is attached.", *BILL_TEXTS]


def test_a_signed_electronic_invoice_is_read_as_the_invoice(read: Read) -> None:
    (alone,) = read(INVOICE)
    for content in (signed(INVOICE), signed(signed(INVOICE, pieces=64)), armoured(signed(INVOICE))):
        (page,) = read(content)
        assert (page.source, page.text, page.invoice) == ("e_invoice", alone.text, alone.invoice)
    attached = read(mail("Our invoice", invoice__xml__p7m=signed(INVOICE)))
    assert (attached[1].source, attached[1].invoice) == ("e_invoice", alone.invoice)


def test_a_signed_pdf_is_read(read: Read) -> None:
    assert texts(read, signed(BILL)) == BILL_TEXTS
    assert texts(read, mail("Our bill", bill__pdf__p7m=signed(BILL)))[1:] == BILL_TEXTS


def test_a_signed_mail_attached_to_another_is_read_with_what_is_attached_to_it(read: Read) -> None:
    first, *rest = texts(read, mail("Forwarded, see below.", smime__p7m=signed(entity("The first text."))))
    assert "Forwarded, see below." in first
    assert "The first text." in first
    assert rest == BILL_TEXTS


def test_a_message_inside_a_signed_one_keeps_its_headers(read: Read) -> None:
    inner = b"Content-Type: message/rfc822\n\n" + mail("inside", bill__pdf=BILL)
    _, second, *rest = texts(read, opaque(signed(inner)))
    assert "Subject: Rechnung 4471 – März" in second
    assert rest == BILL_TEXTS


def test_a_signature_beside_what_it_signs_is_no_page(read: Read) -> None:
    outer = (
        b"From: a@x.example\nTo: b@x.example\nMessage-ID: <1>\nMIME-Version: 1.0\n"
        b'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary=S\n\n--S\n%b\n--S\n'
        b"Content-Type: %b; name=smime.p7s\nContent-Transfer-Encoding: base64\n"
        b"Content-Disposition: attachment; filename=smime.p7s\n\n%b\n--S--\n"
    )
    signature = really_signed(entity(), pkcs7.PKCS7Options.DetachedSignature)
    for kind in (b"application/pkcs7-signature", b"application/octet-stream"):
        first, *rest = texts(read, outer % (entity(), kind, base64.encodebytes(signature)))
        assert first.endswith("The bill is attached.")
        assert rest == BILL_TEXTS


def test_a_signature_alone_is_refused_as_one(inspect: Inspect) -> None:
    with pytest.raises(Unreadable, match=r"given\.bin: is a signature or certificate without content"):
        inspect(signed(None))
    with pytest.raises(Unreadable, match=r"given\.bin: is a signature or certificate without content"):
        inspect(signed(None, pieces=10))


@pytest.mark.parametrize("kind", [ENVELOPED, AUTH_ENVELOPED], ids=["enveloped", "authenticated"])
def test_an_encrypted_mail_is_refused_as_one(inspect: Inspect, kind: bytes) -> None:
    encrypted = rf"given\.bin: is an encrypted mail \(S/MIME\).*{OPEN_IT}"
    for content in (
        opaque(sealed(kind), "enveloped-data"),
        sealed(kind),
        armoured(sealed(kind)),
        base64.encodebytes(sealed(kind)),
        opaque(signed(sealed(kind))),
        signed(entity("", smime__p7m=sealed(kind))),
        mail("This message is encrypted, see the attachment.", smime__p7m=sealed(kind)),
    ):
        with pytest.raises(Unreadable, match=encrypted):
            inspect(content)


def test_an_encrypted_part_of_a_mail_that_says_something_is_named(read: Read) -> None:
    (page,) = texts(read, mail("The total of 25.00 is due.", smime__p7m=sealed()))
    assert page.endswith("is due.\n\nAttachment not read: smime.p7m (an encrypted mail (S/MIME))")


SECRET = base64.encodebytes(bytes(range(256)) * 4).decode()
PGP = f"-----BEGIN PGP MESSAGE-----\n\n{SECRET}-----END PGP MESSAGE-----\n"


def test_a_mail_encrypted_with_pgp_is_refused_as_one(inspect: Inspect) -> None:
    head = (
        "From: a@x.example\nTo: b@x.example\nMessage-ID: <1>\nMIME-Version: 1.0\n"
        'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=E\n\n'
        "--E\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n--E\n"
        f"Content-Type: application/octet-stream; name=encrypted.asc\n\n{PGP}\n--E--\n"
    )
    with pytest.raises(Unreadable, match=rf"given\.bin: is an encrypted mail \(PGP/MIME\).*{OPEN_IT}"):
        inspect(head.encode())
    with pytest.raises(Unreadable, match=rf"given\.bin: is an encrypted mail \(PGP\).*{OPEN_IT}"):
        inspect(mail(PGP))


def test_the_frame_of_a_pgp_signature_is_no_text(read: Read) -> None:
    body = (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nThe total is 25.00.\n"
        "-----BEGIN PGP SIGNATURE-----\n\niQEzBAEBCAAdFiEE\n-----END PGP SIGNATURE-----\n"
    )
    (page,) = texts(read, mail(body))
    assert page.endswith("März\n\nThe total is 25.00.")


def test_a_compressed_mail_is_refused_as_one(inspect: Inspect) -> None:
    with pytest.raises(
        Unreadable, match=r"given\.bin: is a compressed mail \(S/MIME\), a type that is not supported"
    ):
        inspect(der(0x30, der(0x06, COMPRESSED) + der(0xA0, der(0x30, bytes(50)))))


@pytest.mark.parametrize("pieces", [0, 100])
def test_half_a_signed_mail_is_refused(inspect: Inspect, pieces: int) -> None:
    half = signed(entity(), pieces=pieces)[:900]
    with pytest.raises(
        Unreadable, match=r"given\.bin: the signed file is damaged or truncated; have it sent again"
    ):
        inspect(half)
    with pytest.raises(Unreadable, match=r"given\.bin: the signed part smime\.p7m is damaged or truncated"):
        inspect(opaque(half))


def test_signatures_around_one_another_without_end_are_refused(inspect: Inspect) -> None:
    content = b"x"
    for _ in range(cms.MAX_LAYERS + 1):
        content = signed(content)
    with pytest.raises(Unreadable, match="a file with more than 10 signatures around one another"):
        inspect(content)


def test_a_signed_file_in_many_pieces_takes_no_longer_than_it_is_long() -> None:
    content = bytes(range(256)) * 40_000
    assert cms.content_of(signed(content, pieces=100)) == content


def test_containers_and_signatures_count_as_inside_one_another(read: Read, inspect: Inspect) -> None:
    archive = zipped({"mail.eml": opaque(signed(entity()))})
    assert texts(read, archive)[1:] == BILL_TEXTS
    once = mail("see inside", archive__zip=archive)
    assert texts(read, once)[2:] == BILL_TEXTS
    with pytest.raises(Unreadable, match="inside one another more than 3 deep"):
        inspect(signed(b"Content-Type: message/rfc822\n\n" + once))
