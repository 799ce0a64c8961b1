"""Duecourse."""
