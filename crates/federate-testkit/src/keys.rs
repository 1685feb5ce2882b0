//! Keys that the tests of every crate share, and the instant at which they play.
//!
//! Made for this project with `openssl genrsa 2048`, `openssl ecparam -name prime256v1` and
//! `openssl ca -selfsign`; the certificates are valid from 2020 to 2050. They protect nothing.

// The constants of this file are right, or every test fails.
#![allow(clippy::expect_used)]

use chrono::{DateTime, Utc};
use federate_crypto::{
    Certificate, CryptoProvider, PrivateKey, SignatureAlgorithm, SigningKey, VerifyingKey,
};
use std::sync::Arc;

/// The present of the tests: 2026-01-31T12:00:00Z.
#[must_use]
pub fn fixed_now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_769_860_800, 0).expect("an instant of 2026")
}

/// The key of the party that the tests trust: RSA of 2048 bits, signing with RSA-SHA256.
#[must_use]
pub fn signing_key(provider: &CryptoProvider) -> Arc<dyn SigningKey> {
    signing_key_with(provider, SignatureAlgorithm::RsaSha256)
}

/// The same key, signing with another RSA algorithm.
#[must_use]
pub fn signing_key_with(
    provider: &CryptoProvider,
    algorithm: SignatureAlgorithm,
) -> Arc<dyn SigningKey> {
    load(provider, RSA_KEY, algorithm)
}

/// The certificate of [`signing_key`].
#[must_use]
pub fn certificate() -> Certificate {
    read(RSA_CERTIFICATE)
}

/// [`certificate`]'s key, ready to verify.
#[must_use]
pub fn verifying_key(provider: &CryptoProvider) -> VerifyingKey {
    prepare(provider, &certificate())
}

/// The key of somebody whom no test trusts: RSA of 2048 bits, signing with RSA-SHA256.
#[must_use]
pub fn other_signing_key(provider: &CryptoProvider) -> Arc<dyn SigningKey> {
    load(provider, OTHER_KEY, SignatureAlgorithm::RsaSha256)
}

/// The certificate of [`other_signing_key`].
#[must_use]
pub fn other_certificate() -> Certificate {
    read(OTHER_CERTIFICATE)
}

/// A trusted key on P-256, signing with ECDSA-SHA256; only some providers have it.
#[must_use]
pub fn ec_signing_key(provider: &CryptoProvider) -> Arc<dyn SigningKey> {
    load(provider, EC_KEY, SignatureAlgorithm::EcdsaSha256)
}

/// The certificate of [`ec_signing_key`].
#[must_use]
pub fn ec_certificate() -> Certificate {
    read(EC_CERTIFICATE)
}

/// A certificate for an RSA key of 1024 bits, which no policy takes by default.
#[must_use]
pub fn weak_certificate() -> Certificate {
    read(WEAK_CERTIFICATE)
}

/// A certificate's key, ready to verify.
#[must_use]
pub fn prepare(provider: &CryptoProvider, certificate: &Certificate) -> VerifyingKey {
    VerifyingKey::new(provider, certificate.public_key().clone()).expect("a key to verify with")
}

fn load(
    provider: &CryptoProvider,
    pem: &str,
    algorithm: SignatureAlgorithm,
) -> Arc<dyn SigningKey> {
    let key = PrivateKey::from_pem(pem).expect("a private key");
    provider
        .keys
        .load_signing_key(&key, algorithm)
        .expect("a key to sign with")
}

fn read(pem: &str) -> Certificate {
    Certificate::from_pem(pem).expect("a certificate")
}

/// The private key of [`signing_key`], for programs that take files.
pub const RSA_KEY: &str = "-----BEGIN PRIVATE KEY-----
MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDb8pZTTM3eZL4r
SiUPn2L/Uc+aOi0nvsFOZx8UsE/mEGQHOdOPYWEZ/56xMIn7rsCcOyLCjrsTVM9a
pv50GSzbKzerTcRsX0/Mt692fLkC233gmo62+awIGehlniFe1RL73Ki7WaPKoZP3
cSecLGT0HhrfNz9wvkXVQB6YAMtCXySDPGFb/sNTaPG3/GFTexc90EWa9a1qMP2E
9kwl7rKIyeWs7/cgwyW6iNSelNiz1wq16Q/+lkn1PfteGlXgEBFPG6LNcgY+S92R
wIQJXVb/W6yJsjCFBg3KX6DX0qywhdTtLyRwmyN0QnDLqQ136Bz1SGI8CjhnQo9Y
7O8Hm7ajAgMBAAECggEANes4Ut9nMHe97trUTwohuLmTjRlp7G5k8RVylx3J2Hp4
KxVP+bxDk54IhyOBEAP9D8+na86Vqd2Gn5CEnG13g5sKoKIF3xNWerck+oUEzeCE
8USya8S1GZ9QS2kCgT720mt7qcIF1yzZGzXQIgb4EKg4qjPfB4J9mBOJ7HV1XqWD
3g3nJ1tr3p/Pb134hlO0l1qhpWmXi3MeIzg9C2HVP9ba1jRV3e3xVFWHJG5lPyhk
ZIOqTtitG+VxOxVpdckjZQOJiDFa6Vw8Bu4jgaaqsgjnpiRWuEwy70VdtxbIpkut
Xt+bUZHiIYEZushM4BNxJ03S2bKt0p7Thn5BYXMZkQKBgQD2pT7HEcjt6esRxcsH
xivl+Q6T+fHjPTYoMwV0Ah2kzUzrXPIQQL3IsF7yA2REHZF0/WaAPfVCI5Q7WylE
LJSen9NacxDQfJbuVG5wJ76JokwbxYJjEX0GKHpnErFXiB8rCNekiZyB/rb+M27z
LJHRmngqcZi2SorBOs6hqYjSPwKBgQDkSh/PbTFaPUuNrLJrTEs541jMbgFiZSdL
5cXhnGSonmP7aTaH92I1U7wCwyDf1fNvVimqxNHq57UTyRcMO4T9X8mQiiL0AB52
BmBpWyoHxHLfdwh+saoOz6+LF1/9iLPaxP/bqjvrLkyE/BIUzpESfUeQK32YFK1B
HDWyG8+6nQKBgQC+Al9yjMj2QBbQAkh/HLQE3vHUHeGy5h0qquOwk1Cy/VYcm+X/
j2ClkvoSB3re3siIEA8/DHw9D5vKflg0JQP5j7cLH0n8036S7IiH7pZjAZ0QaAAi
wf5HGDfz3/qvLDaWuKEoKLthihD/lDANNnC/wPiB+jFjfdmXMu6srCazkQKBgFwR
pPikAhZxyAnQT3jEoUYscYCpEPfc8ddDSOYvi80RbCNWEH8Pf1Ugex/mEFkV0YLi
jhVoIX0Ki9X58MinLIB/ZCxd+bDMZ3yUH8f901qkmOuU9yEZiAtHKXYALF91BYxC
jSnLYzT7TDMJ8kTf9lQtoHH9iD6QgDtVJDa7zrBlAoGBAMIE84ItD0SbfuE1SLRj
sZ4juMXAoEbXXGPQYB8vbjye8BmvKBLkG+spgcYfj3CnpIHdpdnvj7DzQadQk0nZ
ErvhG/7Hl5clId0MvIbwNWiS9WkzxpJfst9lkSssgRUshHGRe7PIowBo/lUneUe1
M8khjzezMFMC2thw77Qljef4
-----END PRIVATE KEY-----
";

/// [`certificate`] as text, for programs that take files.
pub const RSA_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIICpjCCAY4CAQEwDQYJKoZIhvcNAQELBQAwGDEWMBQGA1UEAwwNRmVkZXJhdGUg
dGVzdDAgFw0yMDAxMDEwMDAwMDBaGA8yMDUwMDEwMTAwMDAwMFowGDEWMBQGA1UE
AwwNRmVkZXJhdGUgdGVzdDCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEB
ANvyllNMzd5kvitKJQ+fYv9Rz5o6LSe+wU5nHxSwT+YQZAc5049hYRn/nrEwifuu
wJw7IsKOuxNUz1qm/nQZLNsrN6tNxGxfT8y3r3Z8uQLbfeCajrb5rAgZ6GWeIV7V
EvvcqLtZo8qhk/dxJ5wsZPQeGt83P3C+RdVAHpgAy0JfJIM8YVv+w1No8bf8YVN7
Fz3QRZr1rWow/YT2TCXusojJ5azv9yDDJbqI1J6U2LPXCrXpD/6WSfU9+14aVeAQ
EU8bos1yBj5L3ZHAhAldVv9brImyMIUGDcpfoNfSrLCF1O0vJHCbI3RCcMupDXfo
HPVIYjwKOGdCj1js7webtqMCAwEAATANBgkqhkiG9w0BAQsFAAOCAQEAxJ2tmQVh
G+k01zeKqybv6n72TOlpb2oj7UHlpqV8xibZmqocFplx1L6bRGFUu/SNP8vILo25
OA+qoHU8+YoopbeKz4TzY8ydgfYS6kstMJKbD2ytha3H1UZVDs+mQzm6pOa6nLIk
H8QPPEYiFGi14TX/dbyWK2DV6WXY62/ibzB0OaY/X3yyyBrOXm0JDSQ3A74lsWHz
A837c04+WRmBHpnChx3+7T3zairClPuTrtKdtoENarDEsWu6WZ6M8ARrx2CmZQYl
EYsK9yClflgAen3sOcV6jqu1Cahwo3pK8nFYpZsrAFEIuJ6rfQFE0V5+tduL1Bx/
3pcO7f7Tx9JXEA==
-----END CERTIFICATE-----
";

const OTHER_KEY: &str = "-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCZK8t3JcnWubeP
vU/z1lMBBgW+Kkhr4hLrwI+E6uTFOR11CAk0/ImT5NWQ59sMsWwiq41rVIrf7hSq
Pd2vkQzmfC9mvQk0geLtG8+Yuozlm8gpP3UaupckgyMRxP4AMof6PhSEEiyO3Kti
oB79BXFhSYp73XNjnu+xjho4k2wBxHiRTsJGNbpyOd0ywbpPZrsxw/QXvUH8/T1E
pr8lahELByGXzyv9WfjxRqdpHgG1yMRUnEIkwhP/4fY8ql5RrzH4vLUe1nwxaJSJ
iYOhtwHR6D2mLurvhwUe6u0KjaziJM9jZg63FI8Jzf50dvUoCDi6QmoIZvz9LDXy
PtPLKV5TAgMBAAECggEAIkJn63nxx8vZUVasI+NrxF5W+X5WnX6+8akr0LSDP9Oz
EYKfIJFdqk00MYmSdqfWgnixlHCf8U88owlcZNECPClJpuagQPTOT295gvUy34Z1
AjjV1gknFj0YonhXwa6LuH6bMyEngzq7QL+Evt4xSmvbBDJ3hTA+941LsxzSOyCg
nnItOho3Zbv6vXdpVmH5YizV7hL5A1ZwRp63/TTuVz1RlcdiOWBSpWyTz2Uw4dCH
SmztCjRzU6evS5z1+4bcCDpPe7wqXV0JeaIlH/EizN2pe6Q0jP0X0M8t7XTHPiQW
yx1RjbauGHL6VedFXzt6AwNVK4bMH+hRvxW2OaBD1QKBgQDM9zV8sNlhJ5qTU4Fv
pfDnNMZsQBze1/Mfjia51mDLljG8JJTM/9jZaBgI+XJsetEOYk+EX/Qhvn5s1SlH
c2e3wC8BvF54dp26OdYwg0doSi0Vr3dtv3+GTMjO3KSUeio/IZEGRqIzpfGXEaGF
0mlepDielARkRqc3TR7T31kzXQKBgQC/TyDQN/rzWDzefnPpJSMEP4aARepCdq+S
EUwCntupnGnfMRvcZYnI+oew+ZpgMzKUuLUicrAJxyf8BGGd9p5RRj+Nm89lMn6E
7yxh6xhciUTCfbQbN+lxW4rP4nhTN+//rzM/8KyNIEXf1JpUvH8Wv5fEb7tCjuKk
6BMzorvtbwKBgHsMLeAdi2L4E6Q+jYYpaOZkmHqEQtDFc/+Np1IJkTKniFQa4fnv
3o8mHsfEeR0G3lp0Sqh9smJPqjZMAewTLEDz70RrgYtwKmCSODQHm+bQISDTpi8M
t9I4ZpVJgMRiUtpznEzYOqgnB1JaE03zc66NiDArTDem8twQQGGRxEtBAoGBAIYP
SBpBMEz4Z2cuy8D0Mi6W6YTX+Ynrq6q7Dj3D3oBjyFkMC88NJFm/HfkpYEHLfsVz
DhN+tNeVRPK4i0Nrf5PKm1x7dAEhOkGjbMGNQjwOQS3dcqmkK6UxFfwJYnJGf5r3
xf0nhXM7y1tHm4KHuLNTPWH9PgctI6uVqWcEwZZnAoGACkT1gNRzW4SG7Gx6Rdmm
gfFsD5UV5PM2OcDIYaSDL84LPimvfCH3Tt5FUKudI9Z6dWGnbOA56yk/XOBQimtX
D6Wm1bMzfxkFsGgbhmy89Pv0HiDdixXXwzibP6s12lmm25iJQjrUksuJ9OuspSxI
BVYdsEis37DJ7egRFcL0+o4=
-----END PRIVATE KEY-----
";

const OTHER_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIICpjCCAY4CAQIwDQYJKoZIhvcNAQELBQAwGDEWMBQGA1UEAwwNU29tZWJvZHkg
ZWxzZTAgFw0yMDAxMDEwMDAwMDBaGA8yMDUwMDEwMTAwMDAwMFowGDEWMBQGA1UE
AwwNU29tZWJvZHkgZWxzZTCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEB
AJkry3clyda5t4+9T/PWUwEGBb4qSGviEuvAj4Tq5MU5HXUICTT8iZPk1ZDn2wyx
bCKrjWtUit/uFKo93a+RDOZ8L2a9CTSB4u0bz5i6jOWbyCk/dRq6lySDIxHE/gAy
h/o+FIQSLI7cq2KgHv0FcWFJinvdc2Oe77GOGjiTbAHEeJFOwkY1unI53TLBuk9m
uzHD9Be9Qfz9PUSmvyVqEQsHIZfPK/1Z+PFGp2keAbXIxFScQiTCE//h9jyqXlGv
Mfi8tR7WfDFolImJg6G3AdHoPaYu6u+HBR7q7QqNrOIkz2NmDrcUjwnN/nR29SgI
OLpCaghm/P0sNfI+08spXlMCAwEAATANBgkqhkiG9w0BAQsFAAOCAQEAXfTQWcpj
0echE6FskpApsF1mKi4xyBrTo0dfHfWSrPEodarDq1DhE46DaoYAKexF/aE424u/
mHwZyOgOS9y7gS00kfonGbW24nhzpGrCNbBblUsN1/Ff98GCH3vEntHsDZdn2qTC
vnchhMfhcu4l3hP9qiKpyVlRX0nz/FDyIz3nz8qfcSsnBtMIxHnZ9EDSDsJFBxIL
JNcVkJIGpDxP2L33Y3A3vfV7ZEOhOBwApkhuLkyJU1Ygh8OC3yMK9S3O9CexCYnp
NecKp7+i2vGKSfyA0/Eq4a8WSWXFN6bM1m6hbFo2ErTS9cEksbcyZqPd8SfGUuq+
oT1aEnPBlxlWtQ==
-----END CERTIFICATE-----
";

const EC_KEY: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgyAGbobPrRIdeiOgP
l35CwrMIrNOiIXQ+iFNE9Vz8AyihRANCAATwxXZNCtGWjQRu1bLWCMFRfo7Bain9
78WL2/8ox+mBhBXOzio0UdArHzrFya4i5PHPB+CH4UcvBuINUart6vsR
-----END PRIVATE KEY-----
";

const EC_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIBHjCBxgIBAzAKBggqhkjOPQQDAjAbMRkwFwYDVQQDDBBGZWRlcmF0ZSB0ZXN0
IGVjMCAXDTIwMDEwMTAwMDAwMFoYDzIwNTAwMTAxMDAwMDAwWjAbMRkwFwYDVQQD
DBBGZWRlcmF0ZSB0ZXN0IGVjMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8MV2
TQrRlo0EbtWy1gjBUX6OwWop/e/Fi9v/KMfpgYQVzs4qNFHQKx86xcmuIuTxzwfg
h+FHLwbiDVGq7er7ETAKBggqhkjOPQQDAgNHADBEAiAvV3wEpzpsBdfeg9CYP1yJ
ygBioCMsoaoCcIDuXb0fpQIgHEPpBYRWrzgowTwHngJOaMXJyBfIENmFSC3R8LNO
wsE=
-----END CERTIFICATE-----
";

const WEAK_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIBqzCCARQCAQQwDQYJKoZIhvcNAQELBQAwHTEbMBkGA1UEAwwSRmVkZXJhdGUg
dGVzdCB3ZWFrMCAXDTIwMDEwMTAwMDAwMFoYDzIwNTAwMTAxMDAwMDAwWjAdMRsw
GQYDVQQDDBJGZWRlcmF0ZSB0ZXN0IHdlYWswgZ8wDQYJKoZIhvcNAQEBBQADgY0A
MIGJAoGBALdQCnCoSWz4/0vGmr4nBltvJcEwmPboGYeP+0WEtF/0Y4FJcrWwyOYZ
x8pxarhowq6V0c/FbsRUICl7Q97DOjdCFgQRaC9tbzHtaTM0PnrN5Ez7H/q8pAu8
xBLSgH230yVeqmM4JHAoBEi8Tfv8SomtNOAJjX7okbMa+oshEk35AgMBAAEwDQYJ
KoZIhvcNAQELBQADgYEAGVMffv5xwJe+6z07T7PSe5t2NwkGRnDzlbHnxcS6v/D5
/swAx+hdNyc0J842rn8MaPvYCf2mJoyzxIdVGLAtzWcW5n7ssSB+Ly/lywP9nW6C
9YPJ7NdiM8tppT71246y7ReJbtTljWitIU2PAGxHfUGOF/QIl9BGAqP+xPhBEKc=
-----END CERTIFICATE-----
";
