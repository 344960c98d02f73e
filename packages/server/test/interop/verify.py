"""Verifies an access token with PyJWT, as an API written in Python would."""

import json
import sys

import jwt

check = json.load(sys.stdin)

try:
    key = jwt.PyJWKClient(check["jwks"]).get_signing_key_from_jwt(check["token"])
    claims = jwt.decode(
        check["token"],
        key.key,
        algorithms=check["algorithms"],
        audience=check["audience"],
        issuer=check["issuer"],
        options={"require": ["exp", "iat", "iss", "aud", "sub"]},
    )
    outcome = {"header": jwt.get_unverified_header(check["token"]), "claims": claims}
except jwt.PyJWTError as error:
    outcome = {"refused": type(error).__name__}

json.dump(outcome, sys.stdout)
