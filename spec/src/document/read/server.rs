//! Servers and their variables, of 3.x and of 2.x, whose `url` is split.

use super::{Fields, Reader, text};
use crate::diagnostic::Diagnostic;
use crate::document::read::binding::Owner;
use crate::document::{Server, ServerId, ServerVariable};
use crate::resolve::At;
use crate::rules;

impl<'a> Reader<'a> {
    /// The server that `at` is or refers to. `key` is its key in the map that holds it.
    pub(super) fn server(&mut self, at: &At<'a>, key: Option<&str>) -> Option<ServerId> {
        let at = self.dereference(at.clone(), "servers")?;
        if let Some(id) = self.server_ids.get(&at.address()) {
            return Some(*id);
        }
        let mut fields = Fields::of(&at, "Server Object", &mut self.found)?;
        let (mut host, mut pathname, mut from_url) = (None, None, None);
        if self.version.is_v3() {
            host = fields.required_string("host", &mut self.found);
            pathname = fields.string("pathname", &mut self.found);
        } else if let Some(url) = fields.required_string("url", &mut self.found) {
            let parts = split_url(&url);
            (host, pathname, from_url) = (Some(parts.host), parts.pathname, parts.protocol);
        }
        let protocol = match fields.string("protocol", &mut self.found).or(from_url) {
            Some(protocol) => protocol,
            None => {
                fields.missing("protocol", &mut self.found);
                String::new()
            }
        };
        let mut server = Server {
            location: at.location(),
            key: key.map(str::to_owned).or_else(|| at.pointer.last()).unwrap_or_default(),
            host: host.unwrap_or_default(),
            pathname,
            protocol,
            protocol_version: fields.string("protocolVersion", &mut self.found),
            title: fields.string("title", &mut self.found),
            summary: fields.string("summary", &mut self.found),
            description: fields.string("description", &mut self.found),
            variables: Default::default(),
            security: self.security(&mut fields),
            tags: self.tags(&mut fields),
            external_docs: self.external_docs_of(&mut fields),
            bindings: self.bindings_of(&mut fields, Owner::Server),
            extensions: Default::default(),
        };
        for (name, at) in self.named(&mut fields, "variables") {
            if let Some(variable) = self.server_variable(at) {
                server.variables.insert(name, variable);
            }
        }
        server.extensions = fields.finish(&mut self.found);
        Some(self.push_server(&at, server))
    }

    pub(super) fn server_variable(&mut self, at: At<'a>) -> Option<ServerVariable> {
        let at = self.dereference(at, "serverVariables")?;
        let mut fields = Fields::of(&at, "Server Variable Object", &mut self.found)?;
        Some(ServerVariable {
            location: at.location(),
            enum_values: fields.strings("enum", &mut self.found),
            // `default: 1883` is how everybody writes a port.
            default: fields.value("default", &mut self.found).and_then(|at| {
                let default = text(at.node);
                if default.is_none() {
                    let message =
                        format!("`default` of a Server Variable Object must be a string, but is {}", at.node.kind());
                    let help = "write a string, or leave it out";
                    self.found.push(Diagnostic::new(rules::WRONG_TYPE, message, &at.location()).help(help));
                }
                default
            }),
            description: fields.string("description", &mut self.found),
            examples: fields.strings("examples", &mut self.found),
            extensions: fields.finish(&mut self.found),
        })
    }
}

struct UrlParts {
    protocol: Option<String>,
    host: String,
    pathname: Option<String>,
}

/// Splits the `url` of a 2.x server as the migration guide to 3.0 has it: `mqtt://{host}:1883/a` into `mqtt`,
/// `{host}:1883` and `/a`.
fn split_url(url: &str) -> UrlParts {
    let (protocol, rest) = match url.split_once("://") {
        Some((protocol, rest)) => (Some(protocol.to_owned()).filter(|protocol| !protocol.contains('{')), rest),
        None => (None, url),
    };
    // A slash inside of braces belongs to the variable's name.
    let mut depth = 0usize;
    let slash = rest.char_indices().find_map(|(at, c)| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        (c == '/' && depth == 0).then_some(at)
    });
    let (host, pathname) = rest.split_at(slash.unwrap_or(rest.len()));
    UrlParts {
        protocol,
        host: host.to_owned(),
        pathname: Some(pathname.to_owned()).filter(|pathname| !pathname.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::split_url;

    #[test]
    fn a_url_splits_into_protocol_host_and_path() {
        let parts = |url: &str| {
            let parts = split_url(url);
            (parts.protocol, parts.host, parts.pathname)
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(parts("mqtt://a.b:1883/x/y"), (text("mqtt"), "a.b:1883".into(), text("/x/y")));
        assert_eq!(parts("a.b:{port}"), (None, "a.b:{port}".into(), None));
        assert_eq!(parts("{scheme}://{host/x}/p"), (None, "{host/x}".into(), text("/p")));
    }
}
