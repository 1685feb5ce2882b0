use super::*;
use federate_crypto::{Curve, aws_lc_provider, self_signed};

fn now() -> DateTime<Utc> {
    "2026-11-21T00:00:00Z".parse().unwrap()
}

fn day(days: i64) -> TimeDelta {
    TimeDelta::days(days)
}

fn made() -> (PrivateKey, Certificate) {
    let provider = aws_lc_provider();
    let key = provider.keys.generate_ec(Curve::P256).unwrap();
    let algorithm = SignatureAlgorithm::usual_for(key.key_type());
    let signer = provider.keys.load_signing_key(&key, algorithm).unwrap();
    let certificate = self_signed(&provider, &*signer, "party", now(), now() + day(365));
    (key, certificate.unwrap())
}

fn ring() -> KeyRing {
    let (key, certificate) = made();
    KeyRing::new(key, certificate, &aws_lc_provider(), now()).unwrap()
}

fn uses(ring: &KeyRing) -> Vec<(KeyUse, &str)> {
    let name = |certificate: &Certificate| match certificate {
        c if c == ring.active().certificate() => "active",
        c if ring.next().is_some_and(|next| c == next.certificate()) => "next",
        _ => "retiring",
    };
    let descriptors = ring.descriptors().into_iter();
    descriptors
        .map(|d| (d.key_use, name(&d.certificates[0])))
        .collect()
}

#[test]
fn a_rollover_publishes_before_it_uses_and_keeps_after() {
    let provider = aws_lc_provider();
    let mut ring = ring();
    assert_eq!(uses(&ring), [(KeyUse::Both, "active")]);
    let none = ring.activate_next(now(), day(1)).unwrap_err();
    assert_eq!(none, RolloverError::NoNextKey);

    let (key, certificate) = made();
    ring.add_next(key, certificate.clone(), &provider, now())
        .unwrap();
    let published = [(KeyUse::Both, "active"), (KeyUse::Signing, "next")];
    assert_eq!(uses(&ring), published);
    let (key, another) = made();
    let error = ring.add_next(key, another, &provider, now()).unwrap_err();
    assert_eq!(error, RolloverError::NextKeyExists);

    let until = now() + day(1);
    let early = until - TimeDelta::milliseconds(1);
    let error = ring.activate_next(early, day(1)).unwrap_err();
    assert_eq!(error, RolloverError::TooEarly { until });
    ring.activate_next(until, day(1)).unwrap();
    assert_eq!(ring.active().certificate(), &certificate);
    assert!(ring.next().is_none());
    let published = [(KeyUse::Both, "active"), (KeyUse::Signing, "retiring")];
    assert_eq!(uses(&ring), published);

    let error = ring.remove_retiring(until, day(1)).unwrap_err();
    let until = until + day(1);
    assert_eq!(error, RolloverError::TooEarly { until });
    assert_eq!(ring.remove_retiring(until, day(1)), Ok(1));
    let error = ring.remove_retiring(until, day(1)).unwrap_err();
    assert_eq!(error, RolloverError::NothingRetires);
}

#[test]
fn a_clock_that_was_set_back_makes_no_step_earlier() {
    let mut ring = ring();
    let (key, certificate) = made();
    ring.add_next(key, certificate, &aws_lc_provider(), now())
        .unwrap();
    let error = ring
        .activate_next(now() - day(30), TimeDelta::zero())
        .unwrap_err();
    assert_eq!(error.code(), "rollover.too_early");
    let error = ring.activate_next(now(), TimeDelta::MAX).unwrap_err();
    assert_eq!(error.code(), "rollover.too_early");
}

#[test]
fn a_certificate_of_another_key_is_not_published() {
    let provider = aws_lc_provider();
    let ((key, _), (_, other)) = (made(), made());
    let error = KeyRing::new(key, other.clone(), &provider, now()).unwrap_err();
    assert_eq!(
        error,
        RolloverError::Crypto(CryptoError::CertificateMismatch)
    );
    let error = ring()
        .add_next(made().0, other, &provider, now())
        .unwrap_err();
    assert_eq!(error.code(), "rollover.key");
}

#[test]
fn a_ring_is_kept_and_read_again_and_never_shown() {
    let mut ring = ring();
    let (key, certificate) = made();
    ring.add_next(key, certificate, &aws_lc_provider(), now())
        .unwrap();
    let kept = serde_json::to_string(&ring).unwrap();
    assert!(kept.contains("BEGIN PRIVATE KEY"));
    let read: KeyRing = serde_json::from_str(&kept).unwrap();
    assert_eq!(uses(&read), uses(&ring));
    assert_eq!(read.active().since(), now());
    assert!(!format!("{read:?}").contains("BEGIN PRIVATE KEY"));
    let broken = kept.replacen("BEGIN PRIVATE", "BEGIN", 1);
    assert!(serde_json::from_str::<KeyRing>(&broken).is_err());
}
