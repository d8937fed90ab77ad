//! Event sets: the enum, the publisher and handler traits, the adapter, the address.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::path::{Paths, ident};
use super::types::derives;
use super::{docs, history, read};
use crate::ir::{Accessor, Address, AddressPart, Api, Docs, Event, EventSet, Transport, Type};
use crate::settings::{Settings, Side, UnknownEvents};

/// Everything that belongs to one event set.
pub(super) fn set(set: &EventSet, api: &Api, paths: &Paths, settings: &Settings) -> TokenStream {
    // An enum without variants could not be handled; a set without messages keeps what comes all the same.
    let keep_unknown = settings.unknown_events == UnknownEvents::Keep || set.events.is_empty();
    let context = Context { set, api, paths, keep_unknown };
    let publisher = (settings.side != Side::Consumer).then(|| context.publisher());
    let handler = (settings.side != Side::Publisher).then(|| context.handler());
    let enumeration = context.enumeration(settings);
    // A set of some of a channel's messages shares the address of the channel's own set.
    let address = set.typed_address.as_ref().filter(|_| !set.is_part);
    let address = address.map(|address| context.address(address));
    quote!(#enumeration #publisher #handler #address)
}

struct Context<'a> {
    set: &'a EventSet,
    api: &'a Api,
    paths: &'a Paths,
    keep_unknown: bool,
}

impl Context<'_> {
    fn enumeration(&self, settings: &Settings) -> TokenStream {
        let set = self.set;
        let name = ident(&set.name);
        let docs = docs::attributes(&set.docs);
        let derives = derives(&["Clone", "Debug", "PartialEq"], &set.additions);
        let variants = set.events.iter().map(|event| self.variant(event));
        let unknown = self.keep_unknown.then(|| {
            quote! {
                /// An event of a type that this version of the document does not declare.
                Unknown(::event_api::UnknownEvent),
            }
        });
        let channel = self.channel();
        let payloads = self.payloads();
        // What is said of a type is said once, where it stands.
        let is_said_later = |id| self.api.said_later().is_some_and(|said| said.requests.contains(&id));
        let is_own = |event: &&Event| !event.named_payload().is_some_and(is_said_later);
        let requests = set.events.iter().filter(|event| event.is_request).filter(is_own).filter_map(|event| {
            let (ty, reply) = (self.payload(event), ident(event.replies.first()?));
            Some(quote! {
                impl ::event_api::Request for #ty {
                    type Replies = #reply;
                }
            })
        });
        let events = self.events(settings);
        let publisher = (settings.side != Side::Consumer).then(|| self.publisher_constructor());
        let handler = (settings.side != Side::Publisher).then(|| {
            let (handler, adapter) = (self.handler_name(), self.adapter_name());
            quote! {
                /// What a consumer runs: `handler` for the events of this channel.
                pub fn handler<H: #handler>(handler: H) -> #adapter<H> {
                    #adapter(handler)
                }
            }
        });
        quote! {
            #docs
            #derives
            pub enum #name {
                #(#variants)*
                #unknown
            }

            impl #name {
                /// The channel, as the document declares it.
                pub const CHANNEL: &'static ::event_api::Channel = &#channel;

                #publisher
                #handler
            }

            #events

            #payloads
            #(#requests)*
        }
    }

    /// How the enum is read, written and given to a handler, a row for each event.
    fn events(&self, settings: &Settings) -> TokenStream {
        let name = ident(&self.set.name);
        let unknown = self.keep_unknown.then(|| quote!(, unknown Unknown));
        let adapter = (settings.side != Side::Publisher).then(|| {
            let (handler, adapter) = (self.handler_name(), self.adapter_name());
            quote!(, adapter #adapter(#handler))
        });
        let rows = self.set.events.iter().map(|event| {
            let (variant, method, event_type) = (ident(&event.variant), ident(&event.method), &event.event_type);
            let parts = match (&event.headers, &event.payload) {
                (None, Some(_)) => quote!((event)),
                (None, None) => quote!(),
                (Some(_), Some(_)) => quote!({ payload, headers }),
                (Some(_), None) => quote!({ headers }),
            };
            let reader = event.payload.as_ref().map(read::clause);
            quote!(#variant #parts = #event_type => #method #reader)
        });
        let earlier = history::earlier_events(self.set, self.api, self.paths);
        quote!(::event_api::codegen::events!(#name #unknown #adapter, { #(#rows,)* } #earlier);)
    }

    /// Conversions of payloads that, on their own, say which event they are.
    fn payloads(&self) -> TokenStream {
        let name = ident(&self.set.name);
        let only: Vec<&Event> = self.set.events.iter().filter(|event| self.set.is_only_use(event)).collect();
        let is_said_later = |id| self.api.said_later().is_some_and(|said| said.events.contains(&id));
        let owns = |event: &Event| event.owns_payload && !event.named_payload().is_some_and(is_said_later);
        let owned = only.iter().filter(|event| owns(event)).map(|event| {
            let (variant, ty, event_type) = (ident(&event.variant), self.payload(event), &event.event_type);
            quote!(#variant(#ty) = #event_type,)
        });
        let owned: TokenStream = owned.collect();
        let shared = only.iter().filter(|event| !owns(event)).map(|event| {
            let (variant, ty) = (ident(&event.variant), self.payload(event));
            quote!(#variant(#ty),)
        });
        let shared: TokenStream = shared.collect();
        let owned = (!owned.is_empty()).then(|| quote!(::event_api::codegen::payloads!(#name { #owned });));
        let shared = (!shared.is_empty()).then(|| quote!(::event_api::codegen::from_variants!(#name { #shared });));
        quote!(#owned #shared)
    }

    fn handler_name(&self) -> proc_macro2::Ident {
        format_ident!("{}Handler", self.set.name)
    }

    fn adapter_name(&self) -> proc_macro2::Ident {
        format_ident!("{}Adapter", self.set.name)
    }

    fn channel(&self) -> TokenStream {
        let set = self.set;
        let (name, title, version) = (&set.channel_name, &set.title, &self.api.version);
        let address = match &set.address {
            Some(address) => quote!(Some(#address)),
            None => quote!(None),
        };
        let event_types = set.events.iter().map(|event| &event.event_type);
        let transports = set.transports.iter().map(|transport| match transport {
            Transport::Feed => quote!(::event_api::Transport::Feed),
            Transport::Webhook => quote!(::event_api::Transport::Webhook),
        });
        quote! {
            ::event_api::Channel {
                name: #name,
                title: #title,
                address: #address,
                event_types: &[#(#event_types),*],
                version: #version,
                transports: &[#(#transports),*],
            }
        }
    }

    fn publisher_constructor(&self) -> TokenStream {
        let clone = self.paths.name("Clone");
        let log = quote!(&(impl ::event_api::log::Log + #clone + 'static));
        match &self.set.typed_address {
            Some(address) => {
                let address = ident(&address.name);
                quote! {
                    /// Publishes into `log`, to one address of this channel.
                    pub fn publisher(log: #log, address: &#address) -> ::event_api::Publisher<Self> {
                        ::event_api::Publisher::new(log).address(address)
                    }
                }
            }
            None => quote! {
                /// Publishes into `log`.
                pub fn publisher(log: #log) -> ::event_api::Publisher<Self> {
                    ::event_api::Publisher::new(log)
                }
            },
        }
    }

    fn variant(&self, event: &Event) -> TokenStream {
        let docs = docs::attributes(&self.event_docs(event));
        let name = ident(&event.variant);
        let headers = event.headers.as_ref().map(|ty| self.paths.ty(ty, self.api));
        let payload = event.payload.as_ref().map(|ty| self.paths.ty(ty, self.api));
        match (headers, payload) {
            (None, Some(payload)) => quote!(#docs #name(#payload),),
            (None, None) => quote!(#docs #name,),
            (Some(headers), Some(payload)) => quote! {
                #docs
                #name {
                    /// The message's payload.
                    payload: #payload,
                    /// The message's headers.
                    headers: #headers,
                },
            },
            (Some(headers), None) => quote! {
                #docs
                #name {
                    /// The message's headers.
                    headers: #headers,
                },
            },
        }
    }

    fn event_docs(&self, event: &Event) -> Docs {
        let mut docs = event.docs.clone();
        if !event.replies.is_empty() {
            docs.notes.push(format!("Answered by `{}`.", event.replies.join("` or `")));
        }
        docs
    }

    fn payload(&self, event: &Event) -> TokenStream {
        let payload = event.payload.as_ref().unwrap_or(&Type::Null);
        self.paths.ty(payload, self.api)
    }

    /// The arguments of a method for an event, and the event made of them.
    fn arguments(&self, event: &Event) -> (TokenStream, TokenStream) {
        let (set, variant) = (ident(&self.set.name), ident(&event.variant));
        let headers = event.headers.as_ref().map(|ty| self.paths.ty(ty, self.api));
        let payload = event.payload.as_ref().map(|ty| self.paths.ty(ty, self.api));
        match (headers, payload) {
            (None, Some(payload)) => (quote!(event: #payload,), quote!(#set::#variant(event))),
            (None, None) => (quote!(), quote!(#set::#variant)),
            (Some(headers), Some(payload)) => {
                (quote!(payload: #payload, headers: #headers,), quote!(#set::#variant { payload, headers }))
            }
            (Some(headers), None) => (quote!(headers: #headers,), quote!(#set::#variant { headers })),
        }
    }

    fn publisher(&self) -> TokenStream {
        let name = ident(&self.set.name);
        let publisher = format_ident!("{}Publisher", self.set.name);
        let sync = self.paths.name("Sync");
        let published = quote!(impl ::event_api::Publishing);
        let docs = docs::attributes(&Docs {
            summary: Some(format!("Publishes `{}`.", self.set.name)),
            notes: vec![
                "Implemented for [`Publisher`](::event_api::Publisher) and, within a transaction, for \
                 [`Within`](::event_api::Within); a test double implements `publish` alone."
                    .to_owned(),
            ],
            ..Docs::default()
        });
        let methods = self.set.events.iter().map(|event| {
            let docs = docs::brief(&event.docs, &format!("Publishes a `{}`.", event.event_type));
            let method = ident(&event.method);
            let (arguments, made) = self.arguments(event);
            quote! {
                #docs
                fn #method(&self, #arguments) -> #published {
                    self.publish(#made)
                }
            }
        });
        quote! {
            #docs
            pub trait #publisher: #sync {
                /// Publishes any event of the channel. When it returns, the event is in the log.
                fn publish(&self, event: #name) -> #published;

                #(#methods)*
            }

            ::event_api::codegen::publisher!(#publisher, #name);
        }
    }

    fn handler(&self) -> TokenStream {
        let (handler, adapter) = (self.handler_name(), self.adapter_name());
        let (send, sync) = (self.paths.name("Send"), self.paths.name("Sync"));
        let handled = quote!(impl ::event_api::Handling);
        let docs = docs::attributes(&Docs {
            summary: Some(format!("Handles `{}`, each message in a method of its own.", self.set.name)),
            notes: vec!["Implement the methods as `async fn`. An event may come again after a failure.".to_owned()],
            ..Docs::default()
        });
        let methods = self.set.events.iter().map(|event| {
            let docs = docs::brief(&event.docs, &format!("Handles a `{}`.", event.event_type));
            let method = ident(&event.method);
            let (arguments, _) = self.arguments(event);
            quote! {
                #docs
                fn #method(&self, #arguments cx: &::event_api::Context) -> #handled;
            }
        });
        let unknown = self.keep_unknown.then(|| {
            quote! {
                /// An event of a type that this version of the document does not declare. Skips it by default.
                fn unknown(&self, event: ::event_api::UnknownEvent, cx: &::event_api::Context) -> #handled {
                    let _ = (event, cx);
                    ::core::future::ready(Ok(()))
                }
            }
        });
        let adapter_docs =
            format!(" Gives the events of `{}` to a handler. See `{}::handler`.", self.set.name, self.set.name);
        quote! {
            #docs
            pub trait #handler: #send + #sync + 'static {
                #(#methods)*
                #unknown
            }

            #[doc = #adapter_docs]
            #[derive(Clone, Debug)]
            pub struct #adapter<H>(H);
        }
    }

    fn address(&self, address: &Address) -> TokenStream {
        let name = ident(&address.name);
        let template = self.set.address.as_deref().unwrap_or_default();
        let docs = format!(" An address of `{}`: `{}`.", self.set.name, docs::visible(template));
        let parameters: Vec<(&str, &Type, &Docs)> = address
            .parts
            .iter()
            .filter_map(|part| match part {
                AddressPart::Parameter { field, ty, docs } => Some((field.as_str(), ty, docs)),
                AddressPart::Literal(_) => None,
            })
            .collect();
        let fields = parameters.iter().map(|(field, ty, docs)| {
            let (field, ty, docs) = (ident(field), self.paths.ty(ty, self.api), docs::attributes(docs));
            quote!(#docs pub #field: #ty,)
        });
        // Literals and fields by turns, a literal first and last.
        let mut parts = TokenStream::new();
        let mut literal = String::new();
        for part in &address.parts {
            match part {
                AddressPart::Literal(text) => literal.push_str(text),
                AddressPart::Parameter { field, .. } => {
                    let (text, field) = (std::mem::take(&mut literal), ident(field));
                    parts.extend(quote!(#text, #field,));
                }
            }
        }
        parts.extend(quote!(#literal));
        let derives = derives(&["Clone", "Debug", "PartialEq", "Eq", "Hash"], &address.additions);
        quote! {
            #[doc = #docs]
            #derives
            pub struct #name {
                #(#fields)*
            }

            ::event_api::codegen::address!(#name, #template, [#parts]);
        }
    }
}

/// `correlation_id()` on the payload or headers types that have one.
pub(super) fn correlation_ids(api: &Api, paths: &Paths) -> Vec<TokenStream> {
    let mut done = HashSet::new();
    let mut out = Vec::new();
    for event in api.sets.iter().flat_map(|set| &set.events) {
        let is_said_later = |id| api.said_later().is_some_and(|said| said.correlation_ids.contains(&id));
        if let Some((id, accessor)) = event.correlated()
            && !is_said_later(id)
            && done.insert(id)
        {
            let name = ident(&api.types[id].name);
            out.push(accessor_method(&name, accessor, api, paths));
        }
    }
    out
}

fn accessor_method(name: &proc_macro2::Ident, accessor: &Accessor, api: &Api, paths: &Paths) -> TokenStream {
    let docs = docs::attributes(&Docs {
        summary: Some("The correlation id.".to_owned()),
        description: accessor.description.clone(),
        ..Docs::default()
    });
    let is_text = accessor.ty == Type::String;
    let ty = if is_text { quote!(str) } else { paths.ty(&accessor.ty, api) };
    let optional = accessor.fields.iter().any(|(_, optional)| *optional);
    let mut path = quote!(self);
    let last = accessor.fields.len() - 1;
    for (index, (field, is_optional)) in accessor.fields.iter().enumerate() {
        let field = ident(field);
        path = quote!(#path.#field);
        if *is_optional && index < last {
            path = quote!(#path.as_ref()?);
        }
    }
    let last_is_optional = accessor.fields[last].1;
    let option = paths.option();
    let (returned, body) = match (optional, last_is_optional, is_text) {
        (false, ..) => (quote!(&#ty), quote!(&#path)),
        (true, true, true) => (quote!(#option<&#ty>), quote!(#path.as_deref())),
        (true, true, false) => (quote!(#option<&#ty>), quote!(#path.as_ref())),
        (true, false, _) => (quote!(#option<&#ty>), quote!(Some(&#path))),
    };
    quote! {
        impl #name {
            #docs
            #[must_use]
            pub fn correlation_id(&self) -> #returned {
                #body
            }
        }
    }
}
