"""Forms with boxes: wage and tax statements, information returns, payslips.

On a form a value's meaning is in the caption of its box, which is printed over it, beside it or before it. So all
captions of a form are found first (:mod:`.captions`); each value then belongs to the caption whose box it is in
(:mod:`.boxes`), whichever way the form is drawn. What the boxes say of the document as a whole (its company, date,
total) is decided last (:mod:`.form`).
"""
