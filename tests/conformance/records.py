"""A made-up record, as a payload's body."""

from enlace.v1 import records_pb2, types_pb2


def record(key: str, words: str = "Ejemplo") -> bytes:
    name = types_pb2.Text(entries=[types_pb2.Text.Entry(lang="es", text=words)])
    body = records_pb2.Body(name=name)
    return records_pb2.Record(key=key, label="TLP:GREEN", example=True, body=body).SerializeToString()
