"""Messages as people get them."""

from __future__ import annotations

from email.message import EmailMessage

BILL = "Acme Power Company\nInvoice number: 4071\nBill date: March 5, 2024\nAmount due: $123.50\n"


def message(
    subject: str = "Your bill",
    *,
    sender: str = "Acme Power <billing@acme.example>",
    text: str = "Your bill is attached.\n",
    attached: dict[str, bytes] | None = None,
) -> bytes:
    """A message as it is on the wire."""
    made = EmailMessage()
    made["From"] = sender
    made["To"] = "ana@home.example"
    made["Subject"] = subject
    made["Date"] = "Tue, 05 Mar 2024 10:00:00 +0000"
    made["Message-ID"] = f"<{abs(hash((subject, sender, text)))}@acme.example>"
    made.set_content(text)
    for name, content in (attached or {}).items():
        made.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return made.as_bytes().replace(b"\n", b"\r\n")
