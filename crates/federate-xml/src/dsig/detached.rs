use super::error::SignatureError;
use super::keys::TrustedKeys;
use super::verify::VerificationContext;
use crate::verified::Verified;

impl VerificationContext<'_> {
    /// Verifies a signature that travels beside the octets it covers, as in the
    /// HTTP-Redirect binding (`[SAMLBind] 3.4.4.1`), and reads the value from those octets.
    ///
    /// `read` gets the octets that were verified and nothing else.
    ///
    /// # Errors
    /// [`SignatureError`] as the caller's error type, or whatever `read` refuses.
    pub fn verify_detached<T, E: From<SignatureError>>(
        &self,
        algorithm: &str,
        octets: &[u8],
        signature: &[u8],
        keys: &TrustedKeys,
        read: impl FnOnce(&[u8]) -> Result<T, E>,
    ) -> Result<Verified<T>, E> {
        let algorithm = self.policy.signature_algorithm(algorithm, self.now)?;
        let signed_by = self.verify_octets(algorithm, octets, signature, keys)?;
        Ok(Verified::new(read(octets)?, signed_by))
    }
}
