"""PDF: what a person would see of it, whatever the way in which a program put it there.

- :mod:`.document`: opens a PDF and reads it page by page; the rest serves it;
- :mod:`.whole`: whether the file goes to its end;
- :mod:`.page`: characters, rendering and measures of one page;
- :mod:`.forms`: form values become part of the page, and :mod:`.xfa` those of forms that have no pages;
- :mod:`.layers`: what is switched off becomes no part of it;
- :mod:`.trust`: whether a text layer says what the page shows;
- :mod:`.inside`: files in a PDF.
"""
