//! Standard Webhooks 1.0 signatures: secrets, signing an attempt, verifying a delivery.
//!
//! The scheme signs `{id}.{timestamp}.{raw body}` with HMAC-SHA256 and sends `v1,{base64}`. While a secret is being
//! rotated, a sender signs with the old and the new one, and a receiver accepts either: both sides take [`Secrets`].

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The header with the event's id, the same for every attempt.
pub(crate) const ID: &str = "webhook-id";
/// The header with the attempt's time, in seconds since 1970.
pub(crate) const TIMESTAMP: &str = "webhook-timestamp";
/// The header with the signatures, separated by spaces.
pub(crate) const SIGNATURE: &str = "webhook-signature";

/// How far a delivery's timestamp may be from the receiver's clock, either way.
pub const DEFAULT_TOLERANCE: Duration = Duration::from_secs(5 * 60);

const PREFIX: &str = "whsec_";
const VERSION: &str = "v1";
/// "Between 24 bytes (192 bits) and 64 bytes (512 bits)".
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;
const GENERATED_LENGTH: usize = 32;
/// The headers have room for a rotation with overlap, not for making the receiver compute all day.
const MOST_SIGNATURES: usize = 16;

/// Other implementations write secrets with and without padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
);

/// A symmetric signing secret, `whsec_…`. It is not shown by `Debug`; [`Secret::reveal`] is for handing it over.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// A new secret of 32 random bytes.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn generate() -> Result<Self, SecretError> {
        let mut bytes = vec![0; GENERATED_LENGTH];
        getrandom::fill(&mut bytes).map_err(|error| SecretError::NoRandomness(error.to_string()))?;
        Ok(Secret(bytes))
    }

    /// The secret as text, `whsec_` and base64: what [`FromStr`] reads.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }

    fn mac(&self, id: &str, timestamp: i64, body: &[u8]) -> Hmac<Sha256> {
        // The error type is that of MACs with a fixed key length; HMAC takes keys of any length (RFC 2104, section 2).
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(id.as_bytes());
        mac.update(b".");
        mac.update(timestamp.to_string().as_bytes());
        mac.update(b".");
        mac.update(body);
        mac
    }
}

impl FromStr for Secret {
    type Err = SecretError;

    /// Reads base64 with or without the `whsec_` prefix, as the reference libraries do.
    fn from_str(text: &str) -> Result<Self, SecretError> {
        let text = text.trim();
        let encoded = text.strip_prefix(PREFIX).unwrap_or(text);
        let bytes = LENIENT.decode(encoded).map_err(|_| SecretError::NotBase64)?;
        if !LENGTHS.contains(&bytes.len()) {
            return Err(SecretError::Length(bytes.len()));
        }
        Ok(Secret(bytes))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(whsec_…)")
    }
}

/// Text that is no signing secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// Not base64.
    #[error("a webhook secret is `whsec_` followed by base64; this is not base64")]
    NotBase64,
    /// Too short or too long.
    #[error("a webhook secret has 24 to 64 bytes; this one has {0}")]
    Length(usize),
    /// The system's random number generator failed.
    #[error("no secret can be generated: {0}")]
    NoRandomness(String),
}

/// The secrets that are valid now: one, or several during a rotation. Never none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secrets {
    first: Secret,
    others: Vec<Secret>,
}

impl Secrets {
    /// Adds a secret that is valid as well.
    #[must_use]
    pub fn and(mut self, secret: Secret) -> Self {
        self.others.push(secret);
        self
    }

    /// All of them, the current one first.
    pub fn iter(&self) -> impl Iterator<Item = &Secret> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The `webhook-signature` header of an attempt: one signature for each secret.
    ///
    /// The dispatcher does this by itself; this is for tests of receivers, and for senders of your own.
    pub fn sign(&self, id: &str, timestamp: DateTime<Utc>, body: &[u8]) -> String {
        let mut header = String::new();
        for secret in self.iter() {
            if !header.is_empty() {
                header.push(' ');
            }
            let signature = secret.mac(id, timestamp.timestamp(), body).finalize().into_bytes();
            header.push_str(VERSION);
            header.push(',');
            STANDARD.encode_string(signature, &mut header);
        }
        header
    }

    /// Whether a delivery was signed with one of the secrets, `tolerance` or less before or after `now`.
    ///
    /// [`receiver`](super::receiver) does this by itself; this is for other web frameworks. Signatures are compared in
    /// constant time; those of other versions than `v1` are skipped.
    ///
    /// # Errors
    /// When it was not.
    pub fn verify(&self, signed: Signed<'_>, now: DateTime<Utc>, tolerance: Duration) -> Result<(), SignatureError> {
        let timestamp: i64 = signed.timestamp.parse().map_err(|_| SignatureError::BadTimestamp)?;
        let matches = signed
            .signatures
            .split(' ')
            .filter_map(|entry| entry.split_once(','))
            .filter(|(version, _)| *version == VERSION)
            .take(MOST_SIGNATURES)
            .filter_map(|(_, signature)| STANDARD.decode(signature).ok())
            // Compared in constant time by `verify_slice`.
            .any(|sent| self.iter().any(|s| s.mac(signed.id, timestamp, signed.body).verify_slice(&sent).is_ok()));
        if !matches {
            return Err(SignatureError::NoMatch);
        }
        // Judged after the signature: only a sender that holds the secret learns what is wrong with its clock.
        let distance = now.timestamp().abs_diff(timestamp);
        if distance > tolerance.as_secs() {
            return Err(match timestamp < now.timestamp() {
                true => SignatureError::TooOld(distance),
                false => SignatureError::TooNew(distance),
            });
        }
        Ok(())
    }
}

impl From<Secret> for Secrets {
    fn from(secret: Secret) -> Self {
        Secrets { first: secret, others: Vec::new() }
    }
}

/// What a delivery carries to be verified: header values, and the raw body.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The header `webhook-id`.
    pub id: &'a str,
    /// The header `webhook-timestamp`.
    pub timestamp: &'a str,
    /// The header `webhook-signature`.
    pub signatures: &'a str,
    /// The raw body.
    pub body: &'a [u8],
}

/// Why a delivery was not accepted as signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The timestamp is no number.
    #[error("the header `webhook-timestamp` is no number of seconds")]
    BadTimestamp,
    /// No signature is one of this body, id and timestamp with one of the secrets.
    #[error("no signature in `webhook-signature` is one of this body with a secret of this receiver")]
    NoMatch,
    /// Signed properly, too many seconds ago: it may be a replay.
    #[error("the delivery was signed {0} s ago; sign each attempt anew")]
    TooOld(u64),
    /// Signed properly, by a clock that is too many seconds ahead.
    #[error("the delivery was signed {0} s in the future; set the sender's clock")]
    TooNew(u64),
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const ID: &str = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
    const BODY: &[u8] = br#"{"email":"test@example.com","username":"test_user"}"#;
    const SIGNATURE: &str = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";

    fn at(timestamp: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(timestamp, 0).unwrap()
    }

    fn secret() -> Secret {
        SECRET.parse().unwrap()
    }

    fn verify(secrets: &Secrets, signatures: &str, body: &[u8], now: i64) -> Result<(), SignatureError> {
        let signed = Signed { id: ID, timestamp: "1649367553", signatures, body };
        secrets.verify(signed, at(now), DEFAULT_TOLERANCE)
    }

    #[test]
    fn the_published_vector_is_signed_and_verified() {
        let secrets = Secrets::from(secret());
        assert_eq!(secrets.sign(ID, at(1_649_367_553), BODY), SIGNATURE);
        assert_eq!(verify(&secrets, SIGNATURE, BODY, 1_649_367_553), Ok(()));
    }

    #[test]
    fn a_timestamp_is_accepted_for_five_minutes_either_way() {
        let secrets = Secrets::from(secret());
        for now in [1_649_367_553 - 300, 1_649_367_553 + 300] {
            assert_eq!(verify(&secrets, SIGNATURE, BODY, now), Ok(()));
        }
        assert_eq!(verify(&secrets, SIGNATURE, BODY, 1_649_367_553 + 301), Err(SignatureError::TooOld(301)));
        assert_eq!(verify(&secrets, SIGNATURE, BODY, 1_649_367_553 - 301), Err(SignatureError::TooNew(301)));
    }

    #[test]
    fn any_change_is_refused() {
        let secrets = Secrets::from(secret());
        let other = Secrets::from(Secret::generate().unwrap());
        let now = 1_649_367_553;
        assert_eq!(verify(&other, SIGNATURE, BODY, now), Err(SignatureError::NoMatch));
        assert_eq!(verify(&secrets, SIGNATURE, b"{}", now), Err(SignatureError::NoMatch));
        for header in
            ["", " ", "v1", "v1,", "v1,not base64", "v2,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=", "v1,tZ1I"]
        {
            assert_eq!(verify(&secrets, header, BODY, now), Err(SignatureError::NoMatch), "{header:?}");
        }
        for timestamp in ["", "now", "1649367553.5", "99999999999999999999"] {
            let signed = Signed { id: ID, timestamp, signatures: SIGNATURE, body: BODY };
            assert_eq!(secrets.verify(signed, at(now), DEFAULT_TOLERANCE), Err(SignatureError::BadTimestamp));
        }
        // A timestamp at the edge of the number range is judged, not overflowed.
        let timestamp = i64::MIN;
        let signatures = STANDARD.encode(secret().mac(ID, timestamp, BODY).finalize().into_bytes());
        let signed =
            Signed { id: ID, timestamp: &timestamp.to_string(), signatures: &format!("v1,{signatures}"), body: BODY };
        assert!(matches!(secrets.verify(signed, at(now), DEFAULT_TOLERANCE), Err(SignatureError::TooOld(_))));
    }

    #[test]
    fn both_secrets_of_a_rotation_are_valid_on_both_sides() {
        let (old, new) = (secret(), Secret::generate().unwrap());
        let header = Secrets::from(new.clone()).and(old.clone()).sign(ID, at(1_649_367_553), BODY);
        assert_eq!(header.split(' ').count(), 2);
        for secret in [&old, &new] {
            assert_eq!(verify(&Secrets::from(secret.clone()), &header, BODY, 1_649_367_553), Ok(()));
        }
        assert_eq!(verify(&Secrets::from(new).and(old), SIGNATURE, BODY, 1_649_367_553), Ok(()));
    }

    #[test]
    fn unknown_signature_versions_are_skipped() {
        let header = format!("v1a,c2lnbmF0dXJl {SIGNATURE}");
        assert_eq!(verify(&Secrets::from(secret()), &header, BODY, 1_649_367_553), Ok(()));
    }

    #[test]
    fn secrets_are_read_strictly_and_never_shown() {
        assert_eq!(secret().reveal(), SECRET);
        assert_eq!("C2FVsBQIhrscChlQIMV+b5sSYspob7oD".parse(), Ok(secret()));
        assert_eq!("whsec_AAAA".parse::<Secret>(), Err(SecretError::Length(3)));
        assert_eq!(format!("whsec_{}", "A".repeat(88)).parse::<Secret>(), Err(SecretError::Length(66)));
        assert_eq!("whsec_***".parse::<Secret>(), Err(SecretError::NotBase64));
        assert_ne!(Secret::generate().unwrap(), Secret::generate().unwrap());
        let generated = Secret::generate().unwrap();
        assert_eq!(generated.reveal().parse(), Ok(generated));
        assert!(!format!("{:?}", Secrets::from(secret())).contains("C2FV"));
    }

    #[test]
    fn the_reference_library_agrees_in_both_directions() {
        let secret = Secret::generate().unwrap();
        let reference = standardwebhooks::Webhook::new(&secret.reveal()).unwrap();
        let now = Utc::now();
        let ours = Secrets::from(secret);

        let mut headers = http::HeaderMap::new();
        headers.insert(super::ID, ID.parse().unwrap());
        headers.insert(super::TIMESTAMP, now.timestamp().to_string().parse().unwrap());
        headers.insert(super::SIGNATURE, ours.sign(ID, now, BODY).parse().unwrap());
        reference.verify(BODY, &headers).unwrap();

        let signature = reference.sign(ID, now.timestamp(), BODY).unwrap();
        let signed = Signed { id: ID, timestamp: &now.timestamp().to_string(), signatures: &signature, body: BODY };
        assert_eq!(ours.verify(signed, now, DEFAULT_TOLERANCE), Ok(()));
    }
}
