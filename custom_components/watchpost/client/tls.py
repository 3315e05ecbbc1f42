"""Translation of aiohttp's TLS errors."""

import ssl
from typing import Final

import aiohttp

from .errors import CertificateError, CertificateProblem, NoTlsError, UnreachableError

# OpenSSL's X509_V_ERR_… numbers (x509_vfy.h), which `ssl.SSLCertVerificationError.verify_code` has.
_PROBLEMS: Final = {
    9: CertificateProblem.NOT_YET_VALID,
    10: CertificateProblem.EXPIRED,
    18: CertificateProblem.UNTRUSTED,
    19: CertificateProblem.UNTRUSTED,
    20: CertificateProblem.UNTRUSTED,
    21: CertificateProblem.UNTRUSTED,
    62: CertificateProblem.OTHER_HOST,
    64: CertificateProblem.OTHER_HOST,
}


def tls_error(err: aiohttp.ClientSSLError) -> UnreachableError:
    """Return what to raise for a handshake that failed; it holds nothing of the address that aiohttp's error names."""
    if not isinstance(err, aiohttp.ClientConnectorCertificateError):
        return NoTlsError()
    found = err.certificate_error
    code = found.verify_code if isinstance(found, ssl.SSLCertVerificationError) else None
    return CertificateError(_PROBLEMS.get(code or 0, CertificateProblem.NOT_VALID))
