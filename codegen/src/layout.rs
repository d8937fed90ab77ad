//! What the printer leaves undone in a generated file: blank lines between items, `///` for the block comments that it
//! makes of documentation of several lines, and a line for each row of a macro call. Rust text comes in and goes out;
//! only white space and the form of comments change.

/// Finishes the layout of printed Rust.
pub(crate) fn finish(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    let mut ended_item: Option<usize> = None;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let indent = line.len() - line.trim_start().len();
        let rest = &line[indent..];
        if ended_item == Some(indent) && begins_item(rest) {
            out.push('\n');
        }
        ended_item = ends_item(rest, indent).then_some(indent);
        if let Some(first) = rest.strip_prefix("/**") {
            push_comment(&mut out, indent, first, &mut lines);
        } else if indent == 0 && rest.starts_with("::event_api::codegen::") {
            push_call(&mut out, rest, &mut lines);
            ended_item = Some(0);
        } else {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

fn begins_item(rest: &str) -> bool {
    ["///", "/**", "#[", "pub ", "fn ", "async ", "impl", "const ", "::event_api::codegen::"]
        .iter()
        .any(|begin| rest.starts_with(begin))
}

fn ends_item(rest: &str, indent: usize) -> bool {
    // A method of a trait without a body ends with a semicolon, as a statement does; only the method begins so.
    let declares = rest.ends_with(';') && (indent == 0 || rest.starts_with(")") || rest.starts_with("fn "));
    matches!(rest, "}" | "};" | ")]") || declares
}

/// A block comment of documentation, as line comments.
fn push_comment<'a>(out: &mut String, indent: usize, first: &'a str, lines: &mut impl Iterator<Item = &'a str>) {
    let mut line = first;
    loop {
        let (text, ends) = line.strip_suffix("*/").map_or((line, false), |text| (text, true));
        out.extend(std::iter::repeat_n(' ', indent));
        out.push_str("///");
        out.push_str(text);
        out.push('\n');
        if ends {
            return;
        }
        let Some(next) = lines.next() else { return };
        line = next;
    }
}

/// A call of one of our macros, `name!(head { row, row, });`, a row to a line.
fn push_call<'a>(out: &mut String, first: &str, lines: &mut impl Iterator<Item = &'a str>) {
    let mut call = first.to_owned();
    while !call.ends_with(");") {
        let Some(next) = lines.next() else { break };
        if !call.ends_with(['(', '[']) && next.trim_start() != ");" {
            call.push(' ');
        }
        call.push_str(next.trim_start());
    }
    let call = tighten(&call);
    // Within the call's own parenthesis; behind the rows of one list, within its brace, which ends there.
    let (mut rest, mut depth) = (call.as_str(), 0);
    while let Some((head, rows, tail)) = rows(rest, depth) {
        out.push_str(head);
        out.push_str("{\n");
        for row in rows {
            out.push_str("    ");
            out.push_str(row);
            out.push_str(",\n");
        }
        (rest, depth) = (tail, 2);
    }
    out.push_str(rest);
    out.push('\n');
}

/// The call without the blanks that the printer, which does not know what the tokens mean, puts around brackets of
/// generics (`Maybe < Integer >`) and behind a sign (`- 1.5`). What stands in strings stays as it is.
fn tighten(call: &str) -> String {
    let mut out = String::with_capacity(call.len());
    let mut rest = call;
    while let Some(c) = rest.chars().next() {
        let length = if c == '"' { string_length(rest) } else { c.len_utf8() };
        let (token, behind) = rest.split_at(length);
        let after = behind.trim_start_matches(' ');
        match c {
            // No operator of the macros is a comparison; `=>` has no blank within it, and keeps those around it.
            '<' => {
                let begins_path = out.ends_with([':', '(']) || out.ends_with(": ");
                if !begins_path {
                    out.truncate(out.trim_end_matches(' ').len());
                }
                out.push('<');
                rest = after;
                continue;
            }
            '>' if !out.ends_with('=') => {
                out.truncate(out.trim_end_matches(' ').len());
                out.push('>');
                rest = if after.starts_with([',', '>', ')', ']', ':']) { after } else { behind };
                continue;
            }
            // `payload : Name` and `value ?`
            ':' if !out.ends_with(':') && !behind.starts_with(':') => {
                out.truncate(out.trim_end_matches(' ').len());
                out.push_str(": ");
                rest = after;
                continue;
            }
            '?' => {
                out.truncate(out.trim_end_matches(' ').len());
                out.push('?');
            }
            '-' if after.starts_with(|c: char| c.is_ascii_digit()) => {
                out.push('-');
                rest = after;
                continue;
            }
            _ => out.push_str(token),
        }
        rest = behind;
    }
    out
}

/// The length of the string literal that the text begins with.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// What stands before the next rows, the rows, and what stands behind them, in a text that begins within so many brackets.
fn rows(call: &str, mut depth: usize) -> Option<(&str, Vec<&str>, &str)> {
    let mut in_string = false;
    let mut open = None;
    let mut start = 0;
    let mut rows = Vec::new();
    let mut bytes = call.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' if in_string => {
                bytes.next();
            }
            b'"' => in_string = !in_string,
            _ if in_string => {}
            // The call's own parenthesis is depth 1, so the rows' brace opens at depth 1 and stands at 2.
            b'{' if depth == 1 && open.is_none() => {
                open = Some(at);
                start = at + 1;
                depth += 1;
            }
            b'(' | b'[' | b'{' => depth += 1,
            b'}' if depth == 2 && open.is_some() => {
                rows.push(call[start..at].trim());
                rows.retain(|row| !row.is_empty());
                return Some((&call[..open?], rows, &call[at..]));
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 2 && open.is_some() => {
                rows.push(call[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::finish;

    #[test]
    fn rows_stand_on_lines_of_their_own() {
        let printed = "::event_api::codegen::object!(\n    Foo, ignore, { required a = \"a, {\\\"\",\n    optional b = \"b\", }\n);\npub struct Bar;\n";
        let expected = "::event_api::codegen::object!(Foo, ignore, {\n    required a = \"a, {\\\"\",\n    optional b = \"b\",\n});\n\npub struct Bar;\n";
        assert_eq!(finish(printed), expected);
    }

    #[test]
    fn generics_and_signs_have_no_blanks() {
        let printed = "::event_api::codegen::newtype!(\n    Foo(Vec < Maybe < i64 > >) as List < Maybe < Integer >>, { a = - 1.5 => b as Vec < u8 >, c = \"a < b > - 1\", }\n);\n";
        let expected = "::event_api::codegen::newtype!(Foo(Vec<Maybe<i64>>) as List<Maybe<Integer>>, {\n    a = -1.5 => b as Vec<u8>,\n    c = \"a < b > - 1\",\n});\n";
        assert_eq!(finish(printed), expected);
    }

    #[test]
    fn every_list_of_rows_stands_on_lines_of_its_own() {
        let printed = "::event_api::codegen::events!(\n    A, { B(c) = \"B\" => b, }, earlier[\"1\"] { \"1\" \"B\"(c : super::v1::B) => A::B(< B as U < _ >> ::u(c) ?), }\n);\n";
        let expected = "::event_api::codegen::events!(A, {\n    B(c) = \"B\" => b,\n}, earlier[\"1\"] {\n    \"1\" \"B\"(c: super::v1::B) => A::B(<B as U<_>>::u(c)?),\n});\n";
        assert_eq!(finish(printed), expected);
    }

    #[test]
    fn comments_of_several_lines_become_line_comments() {
        assert_eq!(finish("/** One.\n\n Two.*/\npub struct Foo;\n"), "/// One.\n///\n/// Two.\npub struct Foo;\n");
    }
}
