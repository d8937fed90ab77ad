//! `cargo event-api …`: cargo runs this program when it is asked for a command that it does not know itself.

fn main() -> std::process::ExitCode {
    cargo_event_api::main()
}
