"""The two models that recognise text, on the engine that suits the machine.

``choice`` says which engine and which precision, and imports neither. ``runtime_onnx`` and ``runtime_openvino`` run the
same model files. ``lines`` finds lines with them, ``letters`` reads lines. Nothing here knows of pages: that is
``reading/ocr.py``.
"""
