#[event_api::event_api("spec/asyncapy.yaml")]
pub mod user_service {}

fn main() {}
