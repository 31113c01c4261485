"""The ``textract`` reader: pages with a text layer are read here, all others by Amazon Textract.

One page goes as bytes with the request. Several go as one PDF by way of S3 into a job, if there is a bucket for that,
else one by one. A job that was paid is remembered, and adopted by the next attempt. Only images that a process of the
``local`` reader has made or looked through are ever sent.
"""

from alfrd_events.reading.textract.reader import TextractReader

__all__ = ["TextractReader"]
