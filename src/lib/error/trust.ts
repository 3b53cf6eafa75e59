/** Of Node and OpenSSL: a certificate that does not prove what it should, and not a connection that broke. */
const aboutTrust =
  /^(?:CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH|PATH_LENGTH_EXCEEDED)/

/** @param code of an error of a TLS connection */
export function isTrustProblem(code: string): boolean {
  return aboutTrust.test(code)
}
