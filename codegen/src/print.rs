//! From the intermediate representation to formatted text.
//!
//! Parsing and printing tokens is the larger half of a generation, and an item is printed without regard to the others:
//! so large modules are printed in parts, on all cores.

use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use proc_macro2::TokenStream;

use crate::ir::Api;
use crate::settings::Settings;
use crate::{emit, layout};

/// Items to a part: enough that starting a part costs nothing beside printing it.
const PART: usize = 48;

/// More threads than this no document keeps busy.
const MAX_THREADS: usize = 8;

/// Formatted tokens.
pub(crate) fn text(tokens: TokenStream) -> Result<String, syn::Error> {
    Ok(layout::finish(&prettyplease::unparse(&syn::parse2(tokens)?)))
}

/// The items of a module, formatted.
pub(crate) fn module(api: &Api, settings: &Settings) -> Result<String, syn::Error> {
    let items = emit::items(api);
    let parts: Vec<&[emit::Item]> = items.chunks(PART).collect();
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MAX_THREADS).min(parts.len());
    let printed: Vec<Result<String, syn::Error>> = if threads < 2 {
        let printer = emit::Emitter::new(api, settings);
        parts.iter().map(|part| text(printer.tokens(part))).collect()
    } else {
        on_threads(threads, parts.len(), || {
            let printer = emit::Emitter::new(api, settings);
            let parts = &parts;
            move |index: usize| text(printer.tokens(parts[index]))
        })
    };
    let printed: Vec<String> = printed.into_iter().collect::<Result<_, _>>()?;
    Ok(printed.join("\n"))
}

/// The results of `count` pieces of work, in their order, done on several threads with a worker of its own each.
fn on_threads<T: Send, W: FnMut(usize) -> T>(threads: usize, count: usize, worker: impl Fn() -> W + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(count));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut work = worker();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        return;
                    }
                    let result = work(index);
                    // Nothing panics while it is held, and a panic elsewhere leaves what was pushed.
                    done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
