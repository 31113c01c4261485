# The program with its local reader (text layers and OCR, models included), its web page, and the clients of AWS and of
# language models; no credentials, no compilers.
FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/alfrd
WORKDIR /build

# Dependencies first: a layer that only changes with pyproject.toml and constraints.txt.
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src/alfrd_events/__init__.py src/alfrd_events/
RUN /opt/alfrd/bin/pip install --constraint constraints.txt ".[local,aws,llm,console,export,metrics,mail]"

COPY src src
COPY sql sql
COPY samples samples
RUN /opt/alfrd/bin/pip install --no-deps --force-reinstall .


FROM python:3.12-slim
COPY --from=build /opt/alfrd /opt/alfrd
# HOME: compose may run the container as the user of the host, who has none in here.
ENV PATH=/opt/alfrd/bin:$PATH PYTHONUNBUFFERED=1 HOME=/tmp

# A library that is missing fails the build, not the first document.
RUN python -c "import aiobotocore, alfrd_events.cli.wiring, alfrd_events.db.migrate, boto3, cv2, onnxruntime, pillow_heif, prometheus_client, psycopg, pypdfium2, rapidocr"

RUN useradd --system --no-create-home --home-dir /tmp alfrd
USER alfrd
WORKDIR /tmp
ENTRYPOINT ["alfrd-events"]
CMD ["run"]
