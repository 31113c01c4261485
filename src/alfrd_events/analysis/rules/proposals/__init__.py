"""What the rules propose for each field: every candidate on the paper, described by numbers.

The numbers describe shapes (place, label, print, arithmetic), never words of a sender: they have to mean the same on a
paper from somebody else. A model that was trained on them chooses (:mod:`alfrd_events.analysis.ranking`).
"""
