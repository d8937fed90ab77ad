//! Feeds are understood by clients that nobody here wrote: parsers and libraries from the registries of Node and Python, and
//! curl. Their versions are those in `interop/`; they are installed below the target folder.

// Clippy knows only functions marked as tests; what they call may unwrap (and print) as well.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use event_api::feed::Feeds;
use event_api::log::{Log, MemoryLog};
use event_api::{Channel, Metadata, RawEvent, Transport};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::watch;

static USERS: Channel = Channel {
    name: "user-events",
    title: "Users & their <events>",
    address: None,
    event_types: &["NameChanged"],
    version: "1.2.0",
    transports: &[Transport::Feed],
};
const PATIENCE: Duration = Duration::from_secs(120);
const INTEROP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/interop");

async fn append(log: &MemoryLog, names: std::ops::Range<usize>) -> Vec<String> {
    let event = |number| {
        let mut metadata = Metadata::new("NameChanged");
        metadata.subject = Some("/users/1?a=<b>&c".to_owned());
        metadata.version = Some("1.2.0".to_owned());
        metadata.traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
        metadata.headers.insert("priority", 3);
        let data = json!({ "name": name(number) });
        RawEvent { metadata, data: serde_json::value::to_raw_value(&data).unwrap() }
    };
    let events: Vec<RawEvent> = names.map(event).collect();
    let ids = events.iter().map(|event| event.metadata.id.to_string()).collect();
    log.append(USERS.name, events).await.unwrap();
    ids
}

fn name(number: usize) -> String {
    format!("{number} <Zoë> ]]> & \"co\"\n")
}

async fn serve(feeds: Feeds) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().nest("/feeds", feeds.router())).await });
    address
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}/feeds/{}", USERS.name)
}

/// A way to `server` that can be cut, with all connections on it.
async fn cuttable(server: SocketAddr) -> (SocketAddr, watch::Sender<u32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (cuts, cut) = watch::channel(0);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut cut = cut.clone();
            cut.mark_unchanged();
            tokio::spawn(async move {
                let mut server = TcpStream::connect(server).await.unwrap();
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                    _ = cut.changed() => {}
                }
            });
        }
    });
    (address, cuts)
}

/// What could not be had here. On CI that is a failure.
fn skip(what: &str) {
    let ci = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty());
    assert!(!ci, "{what}");
    println!("skipped: {what}");
}

/// Runs a command to its end.
fn installed(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str], folder: &Path) -> Result<(), String> {
    let program = program.as_ref();
    let run = std::process::Command::new(program).args(arguments).current_dir(folder).stdin(Stdio::null()).output();
    let output = run.map_err(|error| format!("{program:?} cannot be run: {error}"))?;
    let errors = || String::from_utf8_lossy(&output.stderr).trim().to_owned();
    output.status.success().then_some(()).ok_or_else(|| format!("{program:?} {arguments:?} failed: {}", errors()))
}

/// A folder below the target folder for what `list` names, installed there unless it is.
fn environment(name: &str, list: &str, install: impl FnOnce(&Path) -> Result<(), String>) -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("interop").join(name);
    let told = |error: std::io::Error| format!("{}: {error}", folder.display());
    let wanted = std::fs::read_to_string(Path::new(INTEROP).join(name).join(list)).map_err(told)?;
    let stamp = folder.join("installed");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(folder);
    }
    std::fs::create_dir_all(&folder).map_err(told)?;
    std::fs::write(folder.join(list), &wanted).map_err(told)?;
    install(&folder)?;
    std::fs::write(stamp, wanted).map_err(told)?;
    Ok(folder)
}

/// The command that runs a script of `interop/node`, or nothing where there is no Node.
fn node(script: &str) -> Option<Command> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        environment("node", "package.json", |folder| {
            let quiet = ["install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"];
            installed("npm", &quiet, folder)
        })
    });
    let folder = folder.as_ref().map_err(|why| skip(why)).ok()?;
    // Modules are looked for beside the script.
    let copy = folder.join(script);
    std::fs::copy(Path::new(INTEROP).join("node").join(script), &copy).unwrap();
    let mut command = Command::new("node");
    command.arg(copy);
    Some(command)
}

/// The command that runs a script of `interop/python`, or nothing where there is no Python.
fn python(script: &str) -> Option<Command> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        environment("python", "requirements.txt", |folder| {
            installed("python3", &["-m", "venv", "."], folder)?;
            installed(folder.join("bin/python"), &["-m", "pip", "install", "--quiet", "-r", "requirements.txt"], folder)
        })
    });
    let folder = folder.as_ref().map_err(|why| skip(why)).ok()?;
    let mut command = Command::new(folder.join("bin/python"));
    command.arg(Path::new(INTEROP).join("python").join(script));
    Some(command)
}

fn curl() -> Option<Command> {
    match std::process::Command::new("curl").arg("--version").output() {
        Ok(_) => Some(Command::new("curl")),
        Err(error) => {
            skip(&format!("curl cannot be run: {error}"));
            None
        }
    }
}

async fn output(command: &mut Command) -> String {
    let running = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(PATIENCE, running).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a script that reads pages, and checks what its parsers found.
async fn pages_are_read(script: Option<Command>) {
    let Some(mut script) = script else { return };
    let log = MemoryLog::new();
    let ids = append(&log, 0..5).await;
    let extended = serve(Feeds::new(&log, [&USERS])).await;
    let strict = serve(Feeds::new(&log, [&USERS]).strict()).await;
    let found: Value = serde_json::from_str(&output(script.args([url(extended), url(strict)])).await).unwrap();
    let names: Vec<String> = (0..5).map(name).collect();
    for (form, expected) in
        [("extended", &ids), ("strict", &ids), ("cloudevents", &ids), ("atom", &ids), ("data", &names)]
    {
        assert_eq!(found[form], json!(expected), "{form}");
    }
}

#[tokio::test]
async fn parsers_of_node_read_pages() {
    pages_are_read(node("pages.mjs")).await;
}

#[tokio::test]
async fn parsers_of_python_read_pages() {
    pages_are_read(python("pages.py")).await;
}

/// A script that prints ids as they come.
struct Follower {
    lines: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Follower {
    fn start(mut command: Command, url: String) -> Self {
        let command = command.arg(url).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Follower { lines, _child: child }
    }

    async fn id(&mut self) -> String {
        tokio::time::timeout(PATIENCE, self.lines.next_line()).await.unwrap().unwrap().expect("the script has ended")
    }
}

/// Runs a script that follows a feed whose connections break again and again.
async fn breaks_are_survived(script: Option<Command>) {
    let Some(script) = script else { return };
    let log = MemoryLog::new();
    let (address, cuts) = cuttable(serve(Feeds::new(&log, [&USERS])).await).await;
    let mut follower = Follower::start(script, url(address));
    for round in 0..4 {
        for id in append(&log, round * 20..round * 20 + 10).await {
            assert_eq!(follower.id().await, id, "once and in order");
        }
        cuts.send_modify(|cuts| *cuts += 1);
        for id in append(&log, round * 20 + 10..round * 20 + 20).await {
            assert_eq!(follower.id().await, id, "nothing is missed while there is no connection");
        }
    }
}

#[tokio::test]
async fn event_source_of_node_goes_on_after_breaks() {
    breaks_are_survived(node("stream.mjs")).await;
}

#[tokio::test]
async fn ws_of_node_goes_on_after_breaks() {
    breaks_are_survived(node("socket.mjs")).await;
}

#[tokio::test]
async fn websockets_of_python_goes_on_after_breaks() {
    breaks_are_survived(python("follow.py")).await;
}

#[tokio::test]
async fn curl_takes_compressed_pages_and_keeps_them() {
    let Some(mut compressed) = curl() else { return };
    let log = MemoryLog::new();
    let ids = append(&log, 0..50).await;
    let url = url(serve(Feeds::new(&log, [&USERS])).await);
    let answer = output(compressed.args(["--silent", "--include", "--compressed", &url])).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-encoding: "), "{head}");
    let page: Value = serde_json::from_str(body).unwrap();
    let found: Vec<&str> = page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(found, ids);

    let etag = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
    let known = format!("If-None-Match: {etag}");
    let arguments = ["--silent", "--compressed", "--write-out", "%{http_code}", "--header", &known, &url];
    assert_eq!(output(Command::new("curl").args(arguments)).await, "304");
}
