//! Brackets that are indented less than the block they stand in, as in JSON pasted behind a key.
//!
//! YAML 1.2 (section 7.4) forbids it and the scanner refuses it; libyaml and the JavaScript readers accept it, and
//! so real documents do it. What comes in is such a text; what goes out is the same text with those line breaks
//! in flow collections made spaces that separate nothing but punctuation. Every character keeps its index, so that
//! positions stay true.

/// The text with flow collections on one line each; `None` when that changes nothing or brackets do not match.
pub(super) fn join_flow_lines(text: &str) -> Option<String> {
    let mut joined = Joined { text, at: 0, out: String::with_capacity(text.len()), changed: false };
    // The column that the lines of a block scalar are indented beyond.
    let mut block_scalar = None;
    while joined.at < text.len() {
        let line = line_at(text, joined.at);
        let indent = line.len() - line.trim_start_matches(' ').len();
        if let Some(parent) = block_scalar
            && (line.trim().is_empty() || indent > parent)
        {
            joined.copy(line.len());
            continue;
        }
        block_scalar = joined.block_line(line)?;
    }
    joined.changed.then_some(joined.out)
}

struct Joined<'a> {
    text: &'a str,
    at: usize,
    out: String,
    changed: bool,
}

impl Joined<'_> {
    fn copy(&mut self, length: usize) {
        self.out.push_str(&self.text[self.at..self.at + length]);
        self.at += length;
    }

    /// Copies a line of a block collection and what a value that begins on it needs of the following lines.
    /// Gives the column of the block scalar's owner when one begins here; `None` when a bracket is never closed.
    fn block_line(&mut self, line: &str) -> Option<Option<usize>> {
        let start = self.at;
        let mut parent = 0;
        let mut rest = line;
        loop {
            rest = rest.trim_start_matches([' ', '\t']);
            parent =
                if rest.starts_with(['-', '?']) || !rest.trim().is_empty() { line.len() - rest.len() } else { parent };
            match rest.strip_prefix("- ").or_else(|| rest.strip_prefix("? ")) {
                Some(behind) => rest = behind,
                None => break,
            }
        }
        if let Some(key) = key_length(rest) {
            rest = rest[key..].trim_start_matches([' ', '\t']);
        }
        while rest.starts_with(['&', '!']) {
            rest = rest.trim_start_matches(|c: char| !c.is_whitespace()).trim_start_matches([' ', '\t']);
        }
        self.copy(line.len() - rest.len());
        match rest.chars().next() {
            Some('{' | '[') => self.flow()?,
            Some('"' | '\'') => self.copy(quoted_length(&self.text[self.at..])),
            _ => {}
        }
        // What is left of the line on which that ended.
        let left = line_at(self.text, self.at).len();
        if self.at > start || left > 0 {
            self.copy(left);
        }
        Some(rest.starts_with(['|', '>']).then_some(parent))
    }

    /// Copies a flow collection.
    fn flow(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        let mut previous = ' ';
        loop {
            let rest = &self.text[self.at..];
            let character = rest.chars().next()?;
            let length = match character {
                '{' | '[' => {
                    depth += 1;
                    1
                }
                '}' | ']' => {
                    depth -= 1;
                    1
                }
                '"' | '\'' if matches!(previous, '{' | '[' | ',' | ':') => quoted_length(rest),
                c if c.is_ascii_whitespace() => {
                    let length = separation_length(rest);
                    let next = rest[length..].chars().next()?;
                    let separation = &rest[..length];
                    let punctuated = matches!(previous, '{' | '[' | ',' | ':') || matches!(next, '}' | ']' | ',');
                    if punctuated && separation.contains(['\n', '\r', '#']) {
                        self.out.extend(separation.chars().map(|_| ' '));
                        self.at += length;
                        self.changed = true;
                    } else {
                        self.copy(length);
                    }
                    continue;
                }
                c => c.len_utf8(),
            };
            previous = character;
            self.copy(length);
            if depth == 0 {
                return Some(());
            }
        }
    }
}

/// The rest of the line, with its line break.
fn line_at(text: &str, at: usize) -> &str {
    let rest = &text[at..];
    &rest[..rest.find('\n').map_or(rest.len(), |end| end + 1)]
}

/// The length of a key with its colon, when the line begins with one.
fn key_length(line: &str) -> Option<usize> {
    let from = if line.starts_with(['"', '\'']) { quoted_length(line).min(line.len()) } else { 0 };
    let behind_quote = from > 0;
    for (index, _) in line[from..].match_indices(':') {
        let colon = from + index;
        if behind_quote && !line[from..colon].trim().is_empty() {
            return None;
        }
        if line[..colon].contains(" #") || line.starts_with(['{', '[']) {
            return None;
        }
        if line[colon + 1..].chars().next().is_none_or(char::is_whitespace) {
            return Some(colon + 1);
        }
    }
    None
}

/// The length of a quoted scalar with its quotes; everything when it is never closed.
pub(super) fn quoted_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let Some(&quote) = bytes.first() else { return 0 };
    let mut at = 1;
    while let Some(&byte) = bytes.get(at) {
        at += match byte {
            b'\\' if quote == b'"' => 2,
            _ if byte == quote && quote == b'\'' && bytes.get(at + 1) == Some(&quote) => 2,
            _ if byte == quote => return at + 1,
            _ => 1,
        };
    }
    bytes.len()
}

/// The length of blanks, line breaks and comments.
fn separation_length(text: &str) -> usize {
    let mut length = 0;
    loop {
        let rest = &text[length..];
        let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
        length += blank;
        if blank == 0 || !text[length..].starts_with('#') {
            return length;
        }
        length += text[length..].find(['\n', '\r']).unwrap_or(text.len() - length);
    }
}

#[cfg(test)]
mod tests {
    use super::join_flow_lines;

    #[test]
    fn brackets_come_to_one_line_and_characters_keep_their_place() {
        let text =
            "a:\n    b: [\n  1, # öne\n\n  'x\n  y', {k: v\n}\n]\n    c: |\n      [\n      x\n    - d: \"[\n      \"\n";
        let joined = join_flow_lines(text).unwrap();
        assert_eq!(joined.chars().count(), text.chars().count());
        assert!(joined.contains("b: [   1,          'x\n  y', {k: v } ]\n    c: |\n      [\n      x\n"), "{joined}");
        assert!(joined.ends_with("- d: \"[\n      \"\n"), "{joined}");
    }

    #[test]
    fn other_texts_are_left_alone() {
        for text in ["", "a: 1\n", "a: [1, 2]\nb: {}\n", "a: [\n", "see\n  [link](x) and: {\n", "k: 'a [\n'\n"] {
            assert_eq!(join_flow_lines(text), None, "{text:?}");
        }
    }
}
