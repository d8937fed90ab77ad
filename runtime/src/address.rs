//! Addresses of channels with parameters: `user/{userId}/signedup`.

/// Takes an address apart: the values of the parameters between `literals`, which has one more element.
///
/// A parameter is the shortest non-empty text up to the next literal, as a person would read the address; the last
/// one extends to the end. `None` when the address does not have this form.
pub fn match_address<'a>(literals: &[&str], address: &'a str) -> Option<Vec<&'a str>> {
    let (first, others) = literals.split_first()?;
    let mut rest = address.strip_prefix(first)?;
    let mut values = Vec::with_capacity(others.len());
    for (index, literal) in others.iter().enumerate() {
        let is_last = index + 1 == others.len();
        let end = match (literal.is_empty(), is_last) {
            (true, true) => rest.len(),
            (true, false) => rest.chars().next()?.len_utf8(),
            (false, true) => rest.strip_suffix(literal)?.len(),
            (false, false) => {
                let start = rest.chars().next()?.len_utf8();
                start + rest[start..].find(literal)?
            }
        };
        if end == 0 {
            return None;
        }
        values.push(&rest[..end]);
        rest = &rest[end + literal.len()..];
    }
    rest.is_empty().then_some(values)
}

#[cfg(test)]
mod tests {
    use super::match_address;

    #[test]
    fn parameters_are_what_stands_between_the_literals() {
        assert_eq!(match_address(&["user/", "/signedup"], "user/42/signedup"), Some(vec!["42"]));
        assert_eq!(match_address(&["", "/", ""], "a/b/c"), Some(vec!["a", "b/c"]));
        assert_eq!(match_address(&["user/", ""], "user/ü"), Some(vec!["ü"]));
    }

    #[test]
    fn other_addresses_do_not_match() {
        for address in ["user//signedup", "user/42", "42/signedup", "", "user/signedup"] {
            assert_eq!(match_address(&["user/", "/signedup"], address), None, "{address}");
        }
    }
}
