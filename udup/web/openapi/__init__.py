"""The API's description in OpenAPI 3.1, made from the same models that read the requests and make the answers."""
