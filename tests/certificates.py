"""Certificates that tests make themselves, so that real TLS servers and clients can meet."""

from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
import ssl
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

# OpenSSL reads the machine's clock, which no test freezes.
PAST, AGO, FUTURE, END = (datetime(year, 1, 1, tzinfo=UTC) for year in (2001, 2002, 2098, 2099))


# Python has OpenSSL check strictly: an authority must say that it signs certificates.
_SIGNS = x509.KeyUsage(False, False, False, False, False, True, True, False, False)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common)])


class Authority:
    """A certificate authority; `issue` makes a server's context, or one that signs itself."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = self._signed(
            self._key, _name("Test authority"), PAST, END, x509.BasicConstraints(True, None)
        )
        self.pem = self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    def trusting(self) -> ssl.SSLContext:
        """Return a client's TLS context that trusts this authority alone."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self.pem)
        return context

    def issue(
        self,
        *hosts: str,
        start: datetime = PAST,
        end: datetime = END,
        is_self_signed: bool = False,
    ) -> ssl.SSLContext:
        """Return a server's TLS context for these names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([_alternative(host) for host in hosts])
        signer = key if is_self_signed else None
        certificate = self._signed(key, _name(hosts[0]), start, end, names, signer=signer)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            pem = Path(folder, "server.pem")
            pem.write_bytes(
                key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
                + certificate.public_bytes(serialization.Encoding.PEM)
            )
            context.load_cert_chain(pem)
        return context

    def _signed(
        self,
        key: ec.EllipticCurvePrivateKey,
        subject: x509.Name,
        start: datetime,
        end: datetime,
        extension: x509.ExtensionType,
        *,
        signer: ec.EllipticCurvePrivateKey | None = None,
    ) -> x509.Certificate:
        by = signer or self._key
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if signer is not None else _name("Test authority"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), False
            )
        )
        if isinstance(extension, x509.BasicConstraints):
            builder = builder.add_extension(_SIGNS, critical=True)
        return builder.sign(by, hashes.SHA256())


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


# cryptography keeps the class of times that it meets first, which must be the real one and not that of frozen time.
Authority()
