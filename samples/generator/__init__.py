"""Draws the sample documents: a canvas, two ways to put it on paper, and the documents themselves."""
