//! Strings that a Rust type stands for: times, identifiers and addresses are the same in several spellings, and a type
//! keeps what they mean.

use std::net::Ipv6Addr;

/// Whether two strings are the same time, identifier or address.
pub(super) fn is_same(one: &str, two: &str) -> bool {
    let same_time = || Some(date_time(one)? == date_time(two)?);
    let same_address = || Some(one.parse::<Ipv6Addr>().ok()? == two.parse::<Ipv6Addr>().ok()?);
    let same_uuid = || is_uuid(one) && one.eq_ignore_ascii_case(two);
    one == two || same_time() == Some(true) || same_address() == Some(true) || same_uuid()
}

/// Date and time to the second, the fraction without zeros at its end, and the offset (RFC 3339, section 5.6).
fn date_time(text: &str) -> Option<(String, String, String)> {
    let text = text.to_ascii_uppercase();
    let (seconds, rest) = text.split_at_checked("2020-01-02T03:04:05".len())?;
    let digit_places = [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18];
    let is_time = seconds.char_indices().all(|(place, c)| c.is_ascii_digit() == digit_places.contains(&place));
    let offset = rest.find(['Z', '+', '-'])?;
    let (fraction, offset) = rest.split_at(offset);
    let offset = if matches!(offset, "+00:00" | "-00:00") { "Z" } else { offset };
    is_time.then(|| {
        let fraction = fraction.trim_start_matches('.').trim_end_matches('0');
        (seconds.to_owned(), fraction.to_owned(), offset.to_owned())
    })
}

/// Whether it has the form of a UUID (RFC 9562, section 4).
fn is_uuid(text: &str) -> bool {
    text.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::is_same;

    #[test]
    fn only_the_spelling_may_differ() {
        for (one, two) in [
            ("1999-12-31T23:59:59.5+02:00", "1999-12-31T23:59:59.500+02:00"),
            ("1999-12-31t23:59:59z", "1999-12-31T23:59:59+00:00"),
            ("::0001", "::1"),
            ("0190163D-8694-739B-AEA5-966C26F8AD91", "0190163d-8694-739b-aea5-966c26f8ad91"),
        ] {
            assert!(is_same(one, two), "{one} {two}");
        }
        for (one, two) in [
            ("1999-12-31T23:59:59.5+02:00", "1999-12-31T21:59:59.5Z"),
            ("1999-12-31T23:59:59.05Z", "1999-12-31T23:59:59.5Z"),
            ("1999-12-31T23:59:59Z", "1999-12-31T23:59:58Z"),
            ("::1", "::2"),
            ("a text", "A TEXT"),
        ] {
            assert!(!is_same(one, two), "{one} {two}");
        }
    }
}
