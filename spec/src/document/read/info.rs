//! Info, contact, licence, tags and external documentation.

use indexmap::IndexMap;

use super::format::Format;
use super::{Fields, Reader, no_info};
use crate::diagnostic::Diagnostic;
use crate::document::{Contact, ExternalDocs, Info, License, Tag};
use crate::resolve::At;
use crate::rules;
use crate::source::Location;

impl<'a> Reader<'a> {
    /// The Info Object. Nothing generated depends on it, so it is never an error that something is missing.
    pub(super) fn info(&mut self, at: Option<At<'a>>, root: &At<'a>) -> Info {
        let at = at.and_then(|at| self.dereference(at, "info"));
        let Some((at, mut fields)) = at.and_then(|at| {
            let fields = Fields::of_detail(&at, "Info Object", &mut self.found)?;
            Some((at, fields))
        }) else {
            return no_info(root);
        };
        let info = Info {
            location: at.location(),
            title: fields.required_string("title", &mut self.found).unwrap_or_default(),
            version: fields.required_string("version", &mut self.found).unwrap_or_default(),
            description: fields.string("description", &mut self.found),
            terms_of_service: fields.formatted("termsOfService", Format::Url, &mut self.found),
            contact: fields.value("contact", &mut self.found).and_then(|at| self.contact(&at)),
            license: fields.value("license", &mut self.found).and_then(|at| self.license(&at)),
            // 2.x has both at the root; where they stand here in a 2.x document, the meaning is plain all the same.
            tags: self.tags(&mut fields),
            external_docs: self.external_docs_of(&mut fields),
            extensions: Default::default(),
        };
        Info { extensions: fields.finish(&mut self.found), ..info }
    }

    fn contact(&mut self, at: &At<'a>) -> Option<Contact> {
        let mut fields = Fields::of_detail(at, "Contact Object", &mut self.found)?;
        Some(Contact {
            name: fields.string("name", &mut self.found),
            url: fields.formatted("url", Format::Url, &mut self.found),
            email: fields.formatted("email", Format::Email, &mut self.found),
            extensions: fields.finish(&mut self.found),
        })
    }

    fn license(&mut self, at: &At<'a>) -> Option<License> {
        let mut fields = Fields::of_detail(at, "License Object", &mut self.found)?;
        Some(License {
            name: fields.required_string("name", &mut self.found).unwrap_or_default(),
            url: fields.formatted("url", Format::Url, &mut self.found),
            extensions: fields.finish(&mut self.found),
        })
    }

    /// The member `tags`.
    pub(crate) fn tags(&mut self, fields: &mut Fields<'a>) -> Vec<Tag> {
        let listed = fields.list("tags", &mut self.found).unwrap_or_default();
        let mut tags: Vec<Tag> = Vec::with_capacity(listed.len());
        // Where each stands in the list, which for a reference is not where the tag is written.
        let mut places: IndexMap<String, Location> = IndexMap::new();
        for at in listed {
            let place = at.location();
            let Some(tag) = self.tag(at) else { continue };
            match places.get(&tag.name) {
                Some(first) => {
                    let message = format!("the tag `{}` is there twice", tag.name);
                    let diagnostic = Diagnostic::new(rules::DUPLICATE_TAG, message, &place)
                        .label(first, "the other one")
                        .help("remove one of the two, or rename it");
                    self.found.push(diagnostic);
                }
                None => _ = places.insert(tag.name.clone(), place),
            }
            tags.push(tag);
        }
        tags
    }

    pub(super) fn tag(&mut self, at: At<'a>) -> Option<Tag> {
        let at = self.dereference(at, "tags")?;
        if let Some(name) = at.node.as_str() {
            // `tags: [user]` is a common slip whose meaning is plain.
            let message = "a Tag Object must be an object, but is a string";
            let diagnostic = Diagnostic::new(rules::WRONG_TYPE, message, &at.location());
            self.found.push(diagnostic.help(format!("write `name: {name}`")));
            return Some(Tag {
                location: at.location(),
                name: name.to_owned(),
                description: None,
                external_docs: None,
                extensions: Default::default(),
            });
        }
        let mut fields = Fields::of_detail(&at, "Tag Object", &mut self.found)?;
        Some(Tag {
            location: at.location(),
            name: fields.required_string("name", &mut self.found)?,
            description: fields.string("description", &mut self.found),
            external_docs: self.external_docs_of(&mut fields),
            extensions: fields.finish(&mut self.found),
        })
    }

    /// The member `externalDocs`.
    pub(crate) fn external_docs_of(&mut self, fields: &mut Fields<'a>) -> Option<ExternalDocs> {
        let at = fields.value("externalDocs", &mut self.found)?;
        self.external_docs(at)
    }

    pub(super) fn external_docs(&mut self, at: At<'a>) -> Option<ExternalDocs> {
        let at = self.dereference(at, "externalDocs")?;
        let mut fields = Fields::of_detail(&at, "External Documentation Object", &mut self.found)?;
        Some(ExternalDocs {
            location: at.location(),
            url: fields.required_formatted("url", Format::Url, &mut self.found)?,
            description: fields.string("description", &mut self.found),
            extensions: fields.finish(&mut self.found),
        })
    }
}
