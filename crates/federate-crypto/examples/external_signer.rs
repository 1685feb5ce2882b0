//! A signing key that never leaves a key management service (KMS) or hardware module (HSM).
//!
//! Everything in Federate that signs takes a `&dyn SigningKey`. This example implements the
//! trait over a simulated service that is slow, fails, and gives ECDSA signatures as DER, as
//! real ones do. What an implementation has to see to:
//!
//! - **One algorithm per key.** The service is asked for exactly the algorithm that
//!   `algorithm()` names: the document says so before the signature exists.
//! - **The form.** XML signatures hold ECDSA as `r || s`; services give DER:
//!   [`Curve::raw_signature`] converts it.
//! - **Time.** `sign` blocks. It must come back after a bounded time, and from an
//!   asynchronous program it is called on a blocking thread.
//! - **Failures.** Whatever goes wrong becomes [`CryptoError::SigningFailed`]: a peer learns
//!   nothing more. The reason goes to the operator's log, here standard error.
//! - **Trust.** What came back is verified before it is given out: a service, or the way to
//!   it, may be faulty, and a faulty RSA or ECDSA signature can give the key away.
//! - **`Debug`** shows the name of the key, not the credentials for it.
//!
//! Run it: `cargo run -p federate-crypto --example external_signer`
#![expect(
    clippy::expect_used,
    reason = "an example; the simulated service is not the point"
)]

use federate_crypto::{
    CryptoError, CryptoProvider, Curve, KeyType, PublicKey, SignatureAlgorithm, SigningKey,
    VerifyingKey, aws_lc_provider, self_signed,
};
use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, channel, sync_channel};
use std::time::{Duration, Instant};

/// What a signature may take altogether, the retry included.
const PATIENCE: Duration = Duration::from_millis(300);

/// How often a request is made that the service refuses for the moment.
const ATTEMPTS: u32 = 2;

/// A key that a service keeps.
struct ExternalKey {
    /// The name of the key at the service.
    name: String,
    algorithm: SignatureAlgorithm,
    /// Asked for once, at the start; trusted because the service was.
    public_key: VerifyingKey,
    service: Service,
}

impl ExternalKey {
    fn new(
        provider: &CryptoProvider,
        service: Service,
        name: &str,
        algorithm: SignatureAlgorithm,
    ) -> Result<Self, CryptoError> {
        let public_key = PublicKey::from_spki_der(&service.public_key)?;
        let key = public_key.key_type();
        if !algorithm.accepts(key) {
            return Err(CryptoError::KeyTypeMismatch { algorithm, key });
        }
        Ok(Self {
            name: name.to_owned(),
            algorithm,
            public_key: VerifyingKey::new(provider, public_key)?,
            service,
        })
    }

    /// One request, and its answer in the form that XML signatures have.
    fn ask(&self, message: &[u8], deadline: Instant) -> Result<Vec<u8>, ServiceError> {
        let left = deadline.saturating_duration_since(Instant::now());
        let answer = self.service.sign(self.algorithm, message, left)?;
        match self.public_key.public_key().key_type() {
            KeyType::Ec(curve) => curve.raw_signature(&answer).ok_or(ServiceError::Nonsense),
            _ => Ok(answer),
        }
    }
}

impl SigningKey for ExternalKey {
    fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    fn public_key(&self) -> &PublicKey {
        self.public_key.public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let failed = |error: ServiceError| {
            eprintln!("  log: key {} at the service: {error}", self.name);
            CryptoError::SigningFailed
        };
        let deadline = Instant::now() + PATIENCE;
        let mut answer = self.ask(message, deadline);
        for _ in 1..ATTEMPTS {
            // Only what may pass by itself is tried again; a time-out used up the patience.
            if let Err(ServiceError::Busy) = answer {
                answer = self.ask(message, deadline);
            }
        }
        let signature = answer.map_err(failed)?;
        self.public_key
            .verify(self.algorithm, message, &signature)
            .map_err(|_| failed(ServiceError::Nonsense))?;
        Ok(signature)
    }
}

impl fmt::Debug for ExternalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExternalKey({:?}, {})", self.name, self.algorithm)
    }
}

/// What a service's client library reports.
#[derive(Debug, Clone, Copy, PartialEq)]
enum ServiceError {
    /// No answer in time.
    TimedOut,
    /// Throttled or restarting: worth another request.
    Busy,
    /// The credentials do not allow it: not worth one.
    Denied,
    /// No connection.
    Unreachable,
    /// An answer that is no signature of this key.
    Nonsense,
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TimedOut => "no answer in time",
            Self::Busy => "busy",
            Self::Denied => "access denied",
            Self::Unreachable => "no connection",
            Self::Nonsense => "the answer is no signature of this key",
        })
    }
}

/// How the simulated service behaves at the next request.
#[derive(Clone, Copy)]
enum Mood {
    Well,
    Busy,
    Denies,
    Slow,
    Faulty,
}

struct Request {
    message: Vec<u8>,
    answer: SyncSender<Result<Vec<u8>, ServiceError>>,
}

/// The client of a service that runs in a thread of its own, in place of a network.
struct Service {
    public_key: Vec<u8>,
    requests: std::sync::mpsc::Sender<Request>,
}

impl Service {
    fn start(key: Arc<dyn SigningKey>, moods: Vec<Mood>) -> Self {
        let (requests, received) = channel();
        let public_key = key.public_key().spki_der().to_vec();
        std::thread::spawn(move || serve(&*key, &received, moods));
        Self {
            public_key,
            requests,
        }
    }

    fn sign(
        &self,
        _algorithm: SignatureAlgorithm, // a real service is told which one
        message: &[u8],
        patience: Duration,
    ) -> Result<Vec<u8>, ServiceError> {
        let (answer, answered) = sync_channel(1);
        let message = message.to_vec();
        self.requests
            .send(Request { message, answer })
            .map_err(|_| ServiceError::Unreachable)?;
        answered
            .recv_timeout(patience)
            .map_err(|error| match error {
                RecvTimeoutError::Timeout => ServiceError::TimedOut,
                RecvTimeoutError::Disconnected => ServiceError::Unreachable,
            })?
    }
}

fn serve(key: &dyn SigningKey, requests: &Receiver<Request>, moods: Vec<Mood>) {
    // When the moods run out, the service ends, and requests find no connection.
    for (request, mood) in requests.iter().zip(moods) {
        let signed = || key.sign(&request.message).map_err(|_| ServiceError::Busy);
        let answer = match mood {
            Mood::Well => signed().map(|raw| to_der(&raw)),
            Mood::Busy => Err(ServiceError::Busy),
            Mood::Denies => Err(ServiceError::Denied),
            Mood::Slow => {
                std::thread::sleep(2 * PATIENCE);
                signed().map(|raw| to_der(&raw))
            }
            Mood::Faulty => signed().map(|mut raw| {
                raw.iter_mut().take(1).for_each(|octet| *octet ^= 1);
                to_der(&raw)
            }),
        };
        let _ = request.answer.send(answer); // the client may be gone
    }
}

/// `r || s` of P-256 as services give it: a SEQUENCE of two INTEGERs.
fn to_der(raw: &[u8]) -> Vec<u8> {
    let (r, s) = raw.split_at(raw.len() / 2);
    let mut contents = Vec::new();
    for number in [r, s] {
        let zeros = number.iter().take_while(|octet| **octet == 0).count();
        let mut octets: Vec<u8> = number.iter().skip(zeros).copied().collect();
        if octets.first().is_none_or(|first| first & 0x80 != 0) {
            octets.insert(0, 0);
        }
        contents.extend([0x02, u8::try_from(octets.len()).expect("33 octets at most")]);
        contents.extend(octets);
    }
    let len = u8::try_from(contents.len()).expect("70 octets at most");
    [vec![0x30, len], contents].concat()
}

fn main() -> Result<(), CryptoError> {
    let provider = aws_lc_provider();
    let algorithm = SignatureAlgorithm::EcdsaSha256;
    let kept_by_the_service = provider.keys.generate_ec(Curve::P256)?;
    let kept_by_the_service = provider
        .keys
        .load_signing_key(&kept_by_the_service, algorithm)?;
    let moods = vec![
        Mood::Well, // the certificate
        Mood::Well,
        Mood::Busy,
        Mood::Well,
        Mood::Denies,
        Mood::Faulty,
        Mood::Slow,
    ];
    let service = Service::start(kept_by_the_service, moods);
    let key = ExternalKey::new(&provider, service, "saml-signing-2026", algorithm)?;
    println!("{key:?}");

    // A certificate for metadata: the service signs it.
    let from = chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_454);
    let to = from + chrono::TimeDelta::days(3650);
    let certificate = self_signed(&provider, &key, "login.example.com", from, to)?;
    let fingerprint = certificate.sha256_fingerprint(&provider);
    println!("certificate {}", fingerprint.to_fingerprint());

    for (what, expected) in [
        ("well", Ok(())),
        ("busy, then well", Ok(())),
        ("denying access", Err(CryptoError::SigningFailed)),
        ("faulty", Err(CryptoError::SigningFailed)),
        ("slow", Err(CryptoError::SigningFailed)),
        ("gone", Err(CryptoError::SigningFailed)),
    ] {
        println!("the service is {what}");
        let signed = key.sign(b"<samlp:Response/>");
        if let Ok(signature) = &signed {
            println!("  a signature of {} octets", signature.len());
        }
        assert_eq!(signed.map(|_| ()), expected);
    }
    Ok(())
}
