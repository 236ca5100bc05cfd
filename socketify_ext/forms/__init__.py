"""Forms: the fields and files of a request's body."""

from .form import Form
from .uploaded_file import UploadedFile

__all__ = ["Form", "UploadedFile"]
