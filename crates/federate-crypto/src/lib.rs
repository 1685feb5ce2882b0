//! Keys, certificates, algorithms and the CryptoProvider of Federate.
