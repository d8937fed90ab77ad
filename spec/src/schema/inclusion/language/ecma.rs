//! The syntax of ECMA-262's regular expressions, as far as they are regular: text goes in, expressions of the automaton
//! library come out. What is not read here (back references, look-around but at the beginning, flags) is no error; it is
//! just not decided.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look, Repetition};

/// Groups within groups.
const MAX_DEPTH: usize = 60;

/// Longer repetitions make automata that are too large.
const MAX_COUNT: u32 = 1000;

/// The expressions that must match, or must not, for the pattern to match.
pub(super) fn parse(pattern: &str) -> Option<Vec<(Hir, bool)>> {
    let mut parser = Parser { rest: pattern, depth: 0, ahead: Vec::new(), alternatives: 0 };
    let hir = parser.alternatives()?;
    if !parser.rest.is_empty() || (!parser.ahead.is_empty() && parser.alternatives > 1) {
        return None;
    }
    let mut parts = parser.ahead;
    parts.push((hir, true));
    Some(parts)
}

struct Parser<'p> {
    rest: &'p str,
    depth: usize,
    /// What `^(?=…)` and `^(?!…)` say, each from the beginning of the text.
    ahead: Vec<(Hir, bool)>,
    /// Of the whole expression.
    alternatives: usize,
}

impl Parser<'_> {
    fn take(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn alternatives(&mut self) -> Option<Hir> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let mut branches = vec![self.sequence()?];
        while self.take("|") {
            branches.push(self.sequence()?);
        }
        self.depth -= 1;
        if self.depth == 0 {
            self.alternatives = branches.len();
        }
        Some(Hir::alternation(branches))
    }

    fn sequence(&mut self) -> Option<Hir> {
        let mut items = Vec::new();
        while let Some(c) = self.rest.chars().next() {
            let item = match c {
                '|' | ')' => break,
                '^' => {
                    self.next();
                    items.push(Hir::look(Look::Start));
                    continue;
                }
                '$' => {
                    self.next();
                    items.push(Hir::look(Look::End));
                    continue;
                }
                '(' => {
                    let positive = self.rest.starts_with("(?=");
                    if positive || self.rest.starts_with("(?!") {
                        self.look_ahead(&items, positive)?;
                        continue;
                    }
                    self.group()?
                }
                '[' => self.class()?,
                '.' => {
                    self.next();
                    let mut class = any();
                    class.difference(&set(&[('\n', '\n'), ('\r', '\r'), ('\u{2028}', '\u{2029}')]));
                    Hir::class(Class::Unicode(class))
                }
                '\\' => {
                    if self.take("\\b") {
                        items.push(Hir::look(Look::WordAscii));
                        continue;
                    }
                    if self.rest.starts_with("\\B") {
                        return None;
                    }
                    let class = self.escape(false)?;
                    Hir::class(Class::Unicode(class))
                }
                // Nothing to repeat.
                '*' | '+' | '?' => return None,
                c => {
                    self.next();
                    Hir::class(Class::Unicode(set(&[(c, c)])))
                }
            };
            items.push(self.repeated(item)?);
        }
        Some(Hir::concat(items))
    }

    /// `(?=…)` and `(?!…)`, which can be said of the whole text where they stand at its beginning.
    fn look_ahead(&mut self, before: &[Hir], positive: bool) -> Option<()> {
        let at_start = matches!(before, [only] if *only.kind() == HirKind::Look(Look::Start));
        let ahead = std::mem::take(&mut self.ahead);
        if !at_start || self.depth != 1 {
            return None;
        }
        self.rest = &self.rest[3..];
        let inner = self.alternatives()?;
        // One within another would have been said of the wrong text.
        if !self.take(")") || !self.ahead.is_empty() || self.rest.starts_with(['*', '+', '?', '{']) {
            return None;
        }
        self.ahead = ahead;
        self.ahead.push((Hir::concat(vec![Hir::look(Look::Start), inner]), positive));
        Some(())
    }

    fn group(&mut self) -> Option<Hir> {
        if self.take("(?<") {
            let name = self.rest.find('>')?;
            if self.rest.starts_with(['=', '!']) {
                return None;
            }
            self.rest = &self.rest[name + 1..];
        } else if !self.take("(?:") {
            if self.rest.starts_with("(?") {
                return None;
            }
            self.take("(");
        }
        let inner = self.alternatives()?;
        self.take(")").then_some(inner)
    }

    /// What a quantifier makes of what stands before it.
    fn repeated(&mut self, item: Hir) -> Option<Hir> {
        let (min, max) = match self.rest.chars().next() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                let Some((min, max, rest)) = braces(self.rest) else { return Some(item) };
                self.rest = rest;
                if min > MAX_COUNT || max.is_some_and(|max| max > MAX_COUNT || max < min) {
                    return None;
                }
                self.take("?");
                return Some(repetition(item, min, max));
            }
            _ => return Some(item),
        };
        self.next();
        self.take("?");
        Some(repetition(item, min, max))
    }

    fn class(&mut self) -> Option<Hir> {
        self.next();
        let negated = self.take("^");
        let mut class = ClassUnicode::empty();
        loop {
            if self.take("]") {
                break;
            }
            let (from, single) = self.class_atom()?;
            if single.is_some() && self.rest.starts_with('-') && !self.rest.starts_with("-]") {
                self.take("-");
                let (to, end) = self.class_atom()?;
                match (single, end) {
                    (Some(start), Some(end)) if start <= end => {
                        class.push(ClassUnicodeRange::new(start, end));
                        continue;
                    }
                    (Some(_), Some(_)) => return None,
                    // `[a-\d]`: the hyphen is one of the characters.
                    _ => {
                        class.push(ClassUnicodeRange::new('-', '-'));
                        class.union(&to);
                    }
                }
            }
            class.union(&from);
        }
        if negated {
            class.negate();
        }
        Some(Hir::class(Class::Unicode(class)))
    }

    /// A member of a class; the character, when it is a single one.
    fn class_atom(&mut self) -> Option<(ClassUnicode, Option<char>)> {
        if self.rest.starts_with('\\') {
            let class = self.escape(true)?;
            let single = match class.ranges() {
                [range] if range.start() == range.end() => Some(range.start()),
                _ => None,
            };
            return Some((class, single));
        }
        let c = self.next()?;
        Some((set(&[(c, c)]), Some(c)))
    }

    /// An escape that stands for one character of a set.
    fn escape(&mut self, in_class: bool) -> Option<ClassUnicode> {
        self.take("\\");
        let c = self.next()?;
        let one = |c: char| Some(set(&[(c, c)]));
        let negated = |mut class: ClassUnicode| {
            class.negate();
            Some(class)
        };
        match c {
            'd' => Some(digits()),
            'D' => negated(digits()),
            'w' => Some(word()),
            'W' => negated(word()),
            's' => Some(space()),
            'S' => negated(space()),
            'b' if in_class => one('\u{8}'),
            't' => one('\t'),
            'n' => one('\n'),
            'v' => one('\u{b}'),
            'f' => one('\u{c}'),
            'r' => one('\r'),
            '0' if !self.rest.starts_with(|c: char| c.is_ascii_digit()) => one('\0'),
            'c' => {
                let letter = self.next().filter(char::is_ascii_alphabetic)?;
                one(char::from(letter as u8 % 32))
            }
            'x' => one(char::from_u32(self.hex(2)?)?),
            'u' if self.take("{") => {
                let end = self.rest.find('}')?;
                let code = u32::from_str_radix(&self.rest[..end], 16).ok()?;
                self.rest = &self.rest[end + 1..];
                one(char::from_u32(code)?)
            }
            'u' => {
                let first = self.hex(4)?;
                if !(0xd800..0xdc00).contains(&first) {
                    return one(char::from_u32(first)?);
                }
                // Two halves of a character.
                if !self.take("\\u") {
                    return None;
                }
                let second = self.hex(4)?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                one(char::from_u32(0x10000 + ((first - 0xd800) << 10) + second)?)
            }
            'p' | 'P' => {
                let end = self.rest.find('}').filter(|_| self.rest.starts_with('{'))?;
                let property = format!("\\{c}{}", &self.rest[..=end]);
                self.rest = &self.rest[end + 1..];
                match regex_syntax::parse(&property).ok()?.into_kind() {
                    HirKind::Class(Class::Unicode(class)) => Some(class),
                    _ => None,
                }
            }
            // Back references, and letters that mean nothing or something else elsewhere.
            c if c.is_ascii_alphanumeric() => None,
            c => one(c),
        }
    }

    fn hex(&mut self, length: usize) -> Option<u32> {
        let digits = self.rest.get(..length).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        self.rest = &self.rest[length..];
        u32::from_str_radix(digits, 16).ok()
    }
}

/// `{2}`, `{2,}` or `{2,5}`, and what follows; anything else in braces is text.
fn braces(text: &str) -> Option<(u32, Option<u32>, &str)> {
    let (inner, rest) = text.strip_prefix('{')?.split_once('}')?;
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u32>().ok())?;
    Some(match inner.split_once(',') {
        None => (number(inner)?, Some(number(inner)?), rest),
        Some((min, "")) => (number(min)?, None, rest),
        Some((min, max)) => (number(min)?, Some(number(max)?), rest),
    })
}

fn repetition(item: Hir, min: u32, max: Option<u32>) -> Hir {
    Hir::repetition(Repetition { min, max, greedy: true, sub: Box::new(item) })
}

fn set(ranges: &[(char, char)]) -> ClassUnicode {
    ClassUnicode::new(ranges.iter().map(|&(from, to)| ClassUnicodeRange::new(from, to)))
}

fn any() -> ClassUnicode {
    set(&[('\0', char::MAX)])
}

fn digits() -> ClassUnicode {
    set(&[('0', '9')])
}

fn word() -> ClassUnicode {
    set(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')])
}

/// White space and line ends (ECMA-262, section 22.2.2.9).
fn space() -> ClassUnicode {
    let singles = [' ', '\u{a0}', '\u{1680}', '\u{202f}', '\u{205f}', '\u{3000}', '\u{feff}'];
    let mut class = set(&[('\t', '\r'), ('\u{2000}', '\u{200a}'), ('\u{2028}', '\u{2029}')]);
    class.union(&set(&singles.map(|c| (c, c))));
    class
}
