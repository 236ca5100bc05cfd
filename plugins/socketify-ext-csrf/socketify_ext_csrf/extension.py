import socketify_ext
from .options import Options


@socketify_ext.extension("csrf", options=Options)
def csrf(request, response, ws, *, options): ...
