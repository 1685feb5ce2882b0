use crate::der::{self, oid};
use crate::{Certificate, pem};

impl Certificate {
    /// Writes certificates as a PKCS#7 bag in DER (`.p7b`, `.p7c`), which some consoles ask
    /// for: a SignedData without content and signatures (RFC 5652 5.1, RFC 2315 9.1), in the
    /// order given. An empty bag is possible.
    ///
    /// The order is why the bag need not be strict DER, which sorts the members of a SET;
    /// OpenSSL keeps it too, and everyone reads it.
    #[must_use]
    pub fn to_pkcs7_der(certificates: &[Self]) -> Vec<u8> {
        let all: Vec<&[u8]> = certificates.iter().map(Self::der).collect();
        let content = der::value(der::SEQUENCE, &[&der::value(der::OID, &[oid::PKCS7_DATA])]);
        let signed_data = der::value(
            der::SEQUENCE,
            &[
                &der::value(der::INTEGER, &[&[1]]),
                &der::value(der::SET, &[]), // digestAlgorithms
                &content,
                &der::value(der::CONTEXT_0, &all),
                &der::value(der::SET, &[]), // signerInfos
            ],
        );
        der::value(
            der::SEQUENCE,
            &[
                &der::value(der::OID, &[oid::PKCS7_SIGNED_DATA]),
                &der::value(der::CONTEXT_0, &[&signed_data]),
            ],
        )
    }

    /// Writes certificates as a PKCS#7 bag in PEM, `PKCS7`.
    #[must_use]
    pub fn to_pkcs7_pem(certificates: &[Self]) -> String {
        std::mem::take(&mut *pem::encode(
            "PKCS7",
            &Self::to_pkcs7_der(certificates),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{openssl, providers, signer};

    fn bag(count: usize) -> Vec<Certificate> {
        let Some(provider) = providers().into_iter().next() else {
            return Vec::new();
        };
        let date = chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        (0..count)
            .map(|number| {
                let key = signer(&provider, number % 2);
                let name = format!("certificate {number}");
                crate::self_signed(&provider, &*key, &name, date, date).unwrap()
            })
            .collect()
    }

    #[test]
    fn openssl_reads_the_bag() {
        if providers().is_empty() {
            return;
        }
        // Seventy-odd make it longer than 65,535 octets: a length of three octets.
        for count in [0, 1, 3, 90] {
            let made = bag(count);
            let der = Certificate::to_pkcs7_der(&made);
            let arguments = ["pkcs7", "-inform", "DER", "-print_certs"];
            let Some(said) = openssl(&arguments, &der) else {
                return;
            };
            assert_eq!(Certificate::all_from_pem(&said).unwrap(), made);
            let said = openssl(
                &["pkcs7", "-print_certs"],
                Certificate::to_pkcs7_pem(&made).as_bytes(),
            );
            assert_eq!(Certificate::all_from_pem(&said.unwrap()).unwrap(), made);
        }
    }
}
