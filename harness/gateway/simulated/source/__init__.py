"""The writing of Python modules against an API."""
