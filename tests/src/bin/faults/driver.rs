//! The driver: starts the processes, kills them at random moments, lets the consumers catch up, and asks for the verdict.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use event_api::log::{Log, PostgresLog, SqliteLog};
use event_api_tests::schema::Schema;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::accounts::AccountsEvents;
use super::consumer::FEED;
use super::ledger::Ledger;
use super::receiver::WEBHOOK;
use super::server;
use super::setup::{Database, Failure, LogKind, Ports, Role, Sabotage, Setup};
use super::verdict::{self, Evidence};

/// What a run is to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) log: LogKind,
    pub(crate) kills: u32,
    pub(crate) seed: u64,
    pub(crate) drain: Duration,
    pub(crate) sabotage: Sabotage,
}

const PUBLISHERS: usize = 2;
/// Between two kills. A process takes some tens of milliseconds to start, so some are killed while they do.
const PAUSE_MS: std::ops::Range<u64> = 10..400;
/// One moment in so many kills all processes at once.
const ALL_AT_ONCE: u32 = 12;
/// How long a process may take to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs the plan, and says what came of it.
pub(crate) async fn run(plan: Plan) -> Result<ExitCode, Failure> {
    println!("faults: {}, {} kills, seed {}", name(plan.log), plan.kills, plan.seed);
    let folder = tempfile::tempdir()?;
    let schema = match plan.log {
        LogKind::Sqlite => None,
        LogKind::Postgres => match Schema::create().await? {
            Some(schema) => Some(schema),
            None => return Ok(ExitCode::SUCCESS),
        },
    };
    let setup = Setup {
        log: plan.log,
        folder: folder.path().to_owned(),
        url: schema.as_ref().map(Schema::url),
        ports: free_ports()?,
        sabotage: plan.sabotage,
    };
    let result = rounds(&plan, &setup).await;
    if let Some(schema) = schema {
        schema.remove().await?;
    }
    result
}

async fn rounds(plan: &Plan, setup: &Setup) -> Result<ExitCode, Failure> {
    let (log, consumer, receiver) =
        (setup.database("log").await?, setup.database("consumer").await?, setup.database("receiver").await?);
    for database in [&log, &consumer, &receiver] {
        database.create_tables().await?;
    }
    server::subscribe(setup).await?;
    let ledger = Arc::new(Mutex::new(Ledger::new(PUBLISHERS)));
    let mut fleet = Fleet::start(setup, &ledger)?;
    let start = Instant::now();
    let mut random = StdRng::seed_from_u64(plan.seed);
    let mut killed: BTreeMap<Role, u32> = BTreeMap::new();
    while killed.values().sum::<u32>() < plan.kills {
        tokio::time::sleep(Duration::from_millis(random.random_range(PAUSE_MS))).await;
        fleet.check()?;
        let chosen = match random.random_ratio(1, ALL_AT_ONCE) {
            true => 0..fleet.0.len(),
            false => {
                let one = random.random_range(0..fleet.0.len());
                one..one + 1
            }
        };
        // All are dead before one of them lives again.
        for member in &mut fleet.0[chosen.clone()] {
            member.kill()?;
            *killed.entry(member.role).or_default() += 1;
        }
        for member in &mut fleet.0[chosen] {
            member.start(setup, &ledger)?;
        }
    }
    let rounds = start.elapsed();
    fleet.end(Role::Publisher)?;
    let log = log_of(&log).await?;
    let published = log.bounds(AccountsEvents::CHANNEL.name).await?.next.0;
    let caught_up = wait(plan, &mut fleet, published, &ledger, &consumer, &receiver).await?;
    let feed = verdict::read_feed(setup).await?;
    for role in [Role::Consumer, Role::Server, Role::Receiver] {
        fleet.end(role)?;
    }
    let counts: Vec<String> = killed.iter().map(|(role, count)| format!("{role:?} {count}").to_lowercase()).collect();
    println!("killed in {:.0} s: {}", rounds.as_secs_f64(), counts.join(", "));
    let rows = setup.database("log").await?.rows().await?;
    let effects = [(FEED, consumer.effects(FEED).await?), (WEBHOOK, receiver.effects(WEBHOOK).await?)];
    let violations = verdict::judge(&Evidence { ledger: &lock(&ledger), feed: &feed, rows, effects, caught_up });
    for violation in &violations {
        println!("BROKEN: {violation}");
    }
    match violations.is_empty() {
        true => println!("all promises kept (seed {})", plan.seed),
        false => println!("{} promises broken (seed {})", violations.len(), plan.seed),
    }
    Ok(if violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Waits until all consumers have come to the end of the feed; what is missing if they do not.
async fn wait(
    plan: &Plan,
    fleet: &mut Fleet,
    published: u64,
    ledger: &Mutex<Ledger>,
    consumer: &Database,
    receiver: &Database,
) -> Result<Result<(), String>, Failure> {
    let start = Instant::now();
    loop {
        fleet.check()?;
        let told = lock(ledger).distinct_handled() as u64;
        let counts = [
            (FEED, consumer.count_effects(FEED).await?),
            (WEBHOOK, receiver.count_effects(WEBHOOK).await?),
            ("without a transaction", told),
        ];
        if counts.iter().all(|(_, count)| *count >= published) {
            println!("caught up after {:.1} s", start.elapsed().as_secs_f64());
            return Ok(Ok(()));
        }
        // A promise broken on purpose may be that events are lost: nobody need wait for them.
        if start.elapsed() > plan.drain {
            return Ok(Err(format!("after {:?}, of {published} events were consumed: {counts:?}", plan.drain)));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn log_of(database: &Database) -> Result<Box<dyn Log>, Failure> {
    Ok(match database {
        Database::Sqlite(pool) => Box::new(SqliteLog::with_pool(pool.clone()).await?),
        Database::Postgres(pool) => Box::new(PostgresLog::with_pool(pool.clone()).await?),
    })
}

/// Two ports below those that the kernel gives away, so that nobody takes them while their process is dead.
fn free_ports() -> Result<Ports, Failure> {
    let mut free = (0..200).filter_map(|_| {
        let port = rand::rng().random_range(20_000..32_000);
        std::net::TcpListener::bind(("127.0.0.1", port)).ok().map(|_| port)
    });
    match (free.next(), free.next()) {
        (Some(feed), Some(hooks)) if feed != hooks => Ok(Ports { feed, hooks }),
        _ => Err("no free ports".into()),
    }
}

/// The name of a value on the command line.
fn name(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The processes.
struct Fleet(Vec<Member>);

impl Fleet {
    fn start(setup: &Setup, ledger: &Arc<Mutex<Ledger>>) -> Result<Self, Failure> {
        let publishers = (0..PUBLISHERS).map(|number| (Role::Publisher, number));
        let others = [(Role::Server, 0), (Role::Consumer, 0), (Role::Receiver, 0)];
        let mut fleet = Fleet(publishers.chain(others).map(|(role, number)| Member::new(role, number)).collect());
        fleet.0.iter_mut().try_for_each(|member| member.start(setup, ledger))?;
        Ok(fleet)
    }

    /// That nobody has ended by itself.
    fn check(&mut self) -> Result<(), Failure> {
        for member in &mut self.0 {
            if let Some(running) = &mut member.running
                && let Some(status) = running.child.try_wait()?
            {
                return Err(format!("{:?} {} ended by itself: {status}", member.role, member.number).into());
            }
        }
        Ok(())
    }

    /// Asks all of a role to end, and waits for it.
    fn end(&mut self, role: Role) -> Result<(), Failure> {
        self.0.iter_mut().filter(|member| member.role == role).try_for_each(Member::end)
    }
}

/// A process, in one life after the other.
struct Member {
    role: Role,
    number: usize,
    running: Option<Running>,
}

struct Running {
    child: Child,
    /// Takes what the process says, to its last word.
    listener: JoinHandle<()>,
}

impl Member {
    fn new(role: Role, number: usize) -> Self {
        Member { role, number, running: None }
    }

    fn start(&mut self, setup: &Setup, ledger: &Arc<Mutex<Ledger>>) -> Result<(), Failure> {
        let (next, again) = match self.role {
            Role::Publisher => lock(ledger).resume(self.number),
            _ => Default::default(),
        };
        let next: Vec<String> = next.iter().map(u64::to_string).collect();
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["--role", &name(self.role), "--log", &name(setup.log), "--sabotage", &name(setup.sabotage)])
            .arg("--folder")
            .arg(&setup.folder)
            .args(["--feed-port", &setup.ports.feed.to_string(), "--hooks-port", &setup.ports.hooks.to_string()])
            .args(["--number", &self.number.to_string()]);
        if let Some(url) = &setup.url {
            command.args(["--url", url]);
        }
        if !next.is_empty() {
            command.args(["--next", &next.join(",")]);
        }
        if !again.is_empty() {
            command.args(["--again", &again.join(",")]);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let said = child.stdout.take().ok_or("no pipe")?;
        lock(ledger).start(self.role);
        let (ledger, number) = (Arc::clone(ledger), self.number);
        let listener = std::thread::spawn(move || {
            let mut said = BufReader::new(said);
            let mut line = String::new();
            // What does not end with a line break is no line: the process was killed over it.
            while said.read_line(&mut line).is_ok() && line.ends_with('\n') {
                lock(&ledger).take(number, line.trim_end());
                line.clear();
            }
        });
        self.running = Some(Running { child, listener });
        Ok(())
    }

    /// `SIGKILL`
    fn kill(&mut self) -> Result<(), Failure> {
        let Some(mut running) = self.running.take() else { return Ok(()) };
        running.child.kill()?;
        running.child.wait()?;
        running.listener.join().map_err(|_| "a listener panicked".into())
    }

    fn end(&mut self) -> Result<(), Failure> {
        let Some(mut running) = self.running.take() else { return Ok(()) };
        drop(running.child.stdin.take());
        let start = Instant::now();
        let status = loop {
            match running.child.try_wait()? {
                Some(status) => break status,
                None if start.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(5)),
                None => {
                    running.child.kill()?;
                    running.child.wait()?;
                    return Err(format!("{:?} {} does not end when asked", self.role, self.number).into());
                }
            }
        };
        running.listener.join().map_err(|_| "a listener panicked")?;
        match status.success() {
            true => Ok(()),
            false => Err(format!("{:?} {} ended badly: {status}", self.role, self.number).into()),
        }
    }
}

/// No process outlives the driver.
impl Drop for Member {
    fn drop(&mut self) {
        if let Some(running) = &mut self.running {
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
    }
}
