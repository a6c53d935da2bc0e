//! The real binary on a cluster in which every text is hostile, and on one in which everything that is secret holds a canary:
//! all that it wrote to the terminal, to standard output and error, to its folders and to a model is looked at.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::all;
use crate::cluster::{Asked, Cluster, Ran, Reply};
use crate::common::Screen;
use crate::corpus::PAYLOADS;
use crate::terminal::{Own, plain, read};

/// Payloads in turn, no longer than a line of a screen or two, so that many of them stand in one text.
struct Turn {
    next: AtomicUsize,
}

impl Turn {
    /// The next `count` of them, one after the other.
    fn some(&self, count: usize) -> String {
        let from = self.next.fetch_add(count, Ordering::SeqCst);
        let taken = (from..from + count).map(|n| &PAYLOADS[n % PAYLOADS.len()].text);
        taken.map(|text| text.chars().take(200).collect::<String>()).collect::<Vec<_>>().join(" ")
    }

    fn three(&self) -> Value {
        json!(self.some(3))
    }
}

fn spoiled(turn: &Turn, asked: &Asked, object: &mut Value) {
    if object["kind"] == "Status" {
        return;
    }
    if asked.path.ends_with("/selfsubjectreviews") {
        object["status"]["userInfo"]["username"] = turn.three();
    }
    let meta = &mut object["metadata"];
    match asked.plural.as_str() {
        "deployments" | "replicasets" => {
            meta["annotations"]["kubernetes.io/change-cause"] = turn.three();
            meta["labels"][turn.some(1)] = turn.three();
            meta["annotations"][turn.some(1)] = turn.three();
            let containers = &mut object["spec"]["template"]["spec"]["containers"];
            if !containers.is_array() {
                return;
            }
            let container = &mut containers[0];
            let image = container["image"].as_str().unwrap_or_default().to_owned();
            // The same at each look: a template that changes is another one.
            let n = image.bytes().map(usize::from).sum::<usize>() % PAYLOADS.len();
            let text: String = PAYLOADS[n].text.chars().take(200).collect();
            container["image"] = json!(format!("{image}{text}"));
        }
        "events" => {
            for name in ["message", "reason"] {
                object[name] = turn.three();
            }
            object["source"]["component"] = turn.three();
        }
        "pods" => {
            meta["labels"][turn.some(1)] = turn.three();
            object["status"]["message"] = turn.three();
            object["status"]["reason"] = turn.three();
            for status in object["status"]["containerStatuses"].as_array_mut().into_iter().flatten() {
                status["state"] = json!({"waiting": {"reason": turn.some(2), "message": turn.some(3)}});
            }
        }
        "nodes" | "services" => meta["labels"][turn.some(1)] = turn.three(),
        _ => {}
    }
}

fn spoiled_answer(turn: &Turn, asked: &Asked, body: &mut Value) {
    body["warnings"] = json!([turn.some(3), turn.some(3)]);
    for group in body["data"]["groups"].as_array_mut().into_iter().flatten() {
        for rule in
            group["rules"].as_array_mut().into_iter().flatten().filter(|rule| rule["type"] == "alerting")
        {
            for name in ["summary", "title", "runbook", "runbook_url", "dashboard"] {
                rule["annotations"][name] = turn.three();
            }
            rule["labels"]["team"] = turn.three();
        }
    }
    if asked.query().starts_with("ALERTS") {
        for one in body["data"]["result"].as_array_mut().into_iter().flatten() {
            one["metric"]["team"] = turn.three();
            one["metric"][turn.some(1)] = turn.three();
        }
    }
}

fn hostile(from: usize) -> Cluster {
    let cluster = Cluster::burning();
    let turn = Arc::new(Turn { next: AtomicUsize::new(from) });
    let (objects, logs, answers) = (Arc::clone(&turn), Arc::clone(&turn), turn);
    cluster.kubernetes.edit(move |asked, object| spoiled(&objects, asked, object));
    cluster.kubernetes.instead(move |asked| {
        asked.path.ends_with("/log").then(|| {
            let lines = (0..40)
                .map(|_| format!("2026-11-20T12:00:00.000000000Z {}", logs.some(2).replace('\n', " ")));
            Reply::Body(200, "text/plain", lines.collect::<Vec<_>>().join("\n"))
        })
    });
    cluster.prometheus.edit(move |asked, body| spoiled_answer(&answers, asked, body));
    cluster
}

/// What it printed is lines of characters that can be seen.
fn printed(ran: &Ran) {
    for text in [&ran.out, &ran.err] {
        plain(text).unwrap_or_else(|foreign| panic!("{foreign} in {}", text.escape_debug()));
    }
}

/// The last row, which says what can be done on a page: the clock does not change it.
fn footer(text: &str) -> String {
    text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().to_owned()
}

/// Presses a key and waits for another page.
fn turn(screen: &mut Screen, key: &str) {
    let before = footer(&screen.text());
    screen.press(key);
    screen.wait_for(&format!("another page after {key:?}"), |text| footer(text) != before);
}

/// Opens page after page, the card last.
fn walk(screen: &mut Screen) {
    screen.wait("1 gate open");
    for keys in [&["l"][..], &["A"], &["J"], &["i"], &["v"], &["d"], &["?"], &["p", "\r"]] {
        keys.iter().for_each(|key| turn(screen, key));
        // A page may lead back over another one.
        while !screen.text().contains("g gate  ↑↓ select") {
            turn(screen, "\u{1b}");
        }
    }
    screen.press("g");
    screen.wait("STILL TRUE");
}

#[test]
fn a_session_on_a_hostile_cluster_sends_our_own_sequences_only() {
    let rounds = if all() { 8 } else { 1 };
    for round in 0..rounds {
        let cluster = hostile(round * 47);
        printed(&cluster.run(&["propose"]));
        printed(&cluster.run(&["check"]));
        let mut screen = cluster.screen(140, 45, &[]);
        walk(&mut screen);
        screen.press("\u{3}");
        assert_eq!(screen.end(), 0);
        let raw = screen.raw();
        if let Err(foreign) = read(raw.as_bytes(), Own::Session) {
            panic!("{foreign}");
        }
        screen.assert_restored();
        for_each_file(&cluster.state(), &mut |path, text| {
            if path.extension().is_some_and(|kind| kind == "jsonl") {
                plain(text).unwrap_or_else(|foreign| panic!("{}: {foreign}", path.display()));
            }
        });
    }
}

#[test]
fn a_hostile_word_of_the_command_line_or_of_a_file_is_shown_harmlessly() {
    let cluster = Cluster::burning();
    let step = if all() { 1 } else { 24 };
    for payload in PAYLOADS.iter().step_by(step) {
        let text: String = payload.text.chars().filter(|c| *c != '\0').take(300).collect();
        for arguments in
            [vec!["propose", "--context", &text], vec!["history", &format!("--{text}")], vec![&text]]
        {
            printed(&cluster.run(&arguments));
        }
        cluster.configure(&format!("theme = {}\n", json!(text)));
        printed(&cluster.run(&["propose"]));
        cluster.configure(&text);
        printed(&cluster.run(&["history"]));
        cluster.configure("");
        let refused = text.clone();
        cluster.prometheus.instead(move |_| {
            let error = json!({"status": "error", "errorType": refused, "error": refused});
            Some(Reply::json(422, &error))
        });
        printed(&cluster.run(&["propose"]));
        cluster.prometheus.honest();
    }
}

/// Calls `look` with every file below `folder`.
fn for_each_file(folder: &Path, look: &mut impl FnMut(&Path, &str)) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            for_each_file(&path, look);
        } else {
            look(&path, &String::from_utf8_lossy(&std::fs::read(&path).unwrap_or_default()));
        }
    }
}

/// A canary for each secret; none of them is in any other text.
fn canary(what: &str) -> String {
    format!("Zx9canary7Q{what}")
}

const SECRETS: [&str; 14] = [
    "secretdata",
    "applied",
    "env",
    "url",
    "argument",
    "kubetoken",
    "pluginstderr",
    "promheader",
    "prombearer",
    "prompassword",
    "modelkey",
    "modelheader",
    "proxy",
    "clientkey",
];

/// No canary but `allowed` in what went this way.
fn no_canary(channel: &str, text: &str, allowed: &[&str]) {
    for what in SECRETS.iter().filter(|what| !allowed.contains(what)) {
        let at = text.find(&canary(what));
        let around = at.map(|at| {
            text[..at].chars().rev().take(120).collect::<Vec<_>>().into_iter().rev().collect::<String>()
        });
        assert_eq!(around, None, "the canary in {what} came out at {channel}");
    }
}

/// A model's server that keeps what it is sent, and refuses it in words that quote the key.
fn model(seen: Arc<Mutex<String>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let (mut request, mut piece) = (Vec::new(), [0; 65_536]);
            loop {
                let read = socket.read(&mut piece).unwrap_or(0);
                request.extend_from_slice(&piece[..read]);
                let text = String::from_utf8_lossy(&request).into_owned();
                let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
                let length = head.to_lowercase().split("content-length: ").nth(1).and_then(|rest| {
                    rest.lines().next().and_then(|digits| digits.trim().parse::<usize>().ok())
                });
                if read == 0 || (text.contains("\r\n\r\n") && body.len() >= length.unwrap_or(0)) {
                    seen.lock().expect("lock").push_str(body);
                    break;
                }
            }
            let said =
                json!({"error": {"message": format!("Incorrect API key provided: {}", canary("modelkey"))}})
                    .to_string();
            let answer = format!(
                "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{said}",
                said.len()
            );
            let _ = socket.write_all(answer.as_bytes());
        }
    });
    url
}

/// Canaries in the objects of the cluster.
fn planted(asked: &Asked, object: &mut Value) {
    let password = |what: &str| json!(format!("{{\"password\":\"{}\"}}", canary(what)));
    match asked.plural.as_str() {
        "secrets" => {
            object["data"] = json!({"password": canary("secretdata")});
            object["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] =
                password("secretdata");
        }
        "deployments" | "replicasets" => {
            object["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] =
                password("applied");
            let spec = &mut object["spec"]["template"]["spec"];
            // Of each revision its own, so that they are among what changed.
            let image = if spec["volumes"].to_string().contains("-v2") { "new" } else { "old" };
            if !spec["containers"].is_array() {
                return;
            }
            let container = &mut spec["containers"][0];
            container["env"] = json!([
                {"name": "DB_PASSWORD", "value": format!("{}{image}", canary("env"))},
                {"name": "DATABASE_URL", "value": format!("postgres://app:{}{image}@db.shop:5432/x", canary("url"))},
            ]);
            container["command"] = json!(["--serve", format!("--token={}{image}", canary("argument"))]);
        }
        _ => {}
    }
}

/// A cluster full of secrets, a configuration full of them, and a model that is asked.
fn full_of_secrets(seen: &Arc<Mutex<String>>) -> Cluster {
    let cluster = Cluster::burning();
    cluster.kubernetes.edit(planted);
    let config = cluster.folder.path().join("config");
    for (file, what) in [("prom.token", "prombearer"), ("model.key", "modelkey")] {
        std::fs::write(config.join(file), canary(what)).expect("a file");
    }
    cluster.configure(&format!(
        "[prometheus]\nbearer_file = \"prom.token\"\nheaders = {{ X-Scope = \"{}\" }}\n[advisor]\nprovider = \"openai\"\nurl = \"{}\"\n\
         model = \"m\"\nkey_file = \"model.key\"\nshare = \"facts+logs\"\nheaders = {{ X-Team = \"{}\" }}\n",
        canary("promheader"),
        model(Arc::clone(seen)),
        canary("modelheader"),
    ));
    let kubeconfig = std::fs::read_to_string(cluster.kubeconfig()).expect("a file");
    let user = format!("user: {{token: {}}}", canary("kubetoken"));
    std::fs::write(cluster.kubeconfig(), kubeconfig.replace("user: {}", &user)).expect("a file");
    cluster
}

#[test]
fn no_canary_comes_out_where_nobody_asked_for_it() {
    let seen = Arc::new(Mutex::new(String::new()));
    let cluster = full_of_secrets(&seen);
    let proxy = format!("http://proxy:{}@127.0.0.1:9", canary("proxy"));
    let environment = [("HTTPS_PROXY", proxy.as_str()), ("NO_PROXY", "127.0.0.1")];
    let ran = cluster.run(&["propose"]);
    assert_eq!(ran.code, Some(10), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("DB_PASSWORD"), "the secret is among what changed: {}", ran.out);
    no_canary("propose", &format!("{}{}", ran.out, ran.err), &[]);
    // The calls to the letter are what `-o json` is for.
    let ran = cluster.run(&["propose", "-o", "json"]);
    no_canary("propose -o json", &format!("{}{}", ran.out, ran.err), &["env", "url", "argument", "applied"]);
    for arguments in [&["check"][..], &["check", "-o", "json"]] {
        let ran = cluster.run(arguments);
        no_canary("check", &format!("{}{}", ran.out, ran.err), &[]);
    }
    let mut screen = cluster.screen_in(140, 45, &[], &environment);
    walk(&mut screen);
    let card = screen.wait("DB_PASSWORD");
    no_canary("the card", &card, &[]);
    screen.press("\u{3}");
    assert_eq!(screen.end(), 0);
    // The pages of differences show values: that is what they are opened for.
    no_canary("the screen", &screen.raw(), &["env", "url", "argument"]);
    assert!(seen.lock().expect("lock").contains("messages"), "the model was asked");
    no_canary("a request to the model", &seen.lock().expect("lock"), &[]);
    for arguments in
        [&["history"][..], &["history", "-o", "json"], &["audit", "export"], &["audit", "verify"]]
    {
        let ran = cluster.run(arguments);
        no_canary("history and export", &format!("{}{}", ran.out, ran.err), &[]);
    }
    for_each_file(&cluster.state(), &mut |path, text| no_canary(&path.display().to_string(), text, &[]));
    let mut screen = cluster.screen_in(
        120,
        40,
        &[],
        &[("GOAROUND_DEBUG_PANIC", "draw:1"), environment[0], environment[1]],
    );
    assert_eq!(screen.end(), 101);
    no_canary("a crash", &screen.raw(), &[]);
}

#[test]
fn no_canary_comes_out_of_a_login_or_a_source_that_fails() {
    let seen = Arc::new(Mutex::new(String::new()));
    let cluster = full_of_secrets(&seen);
    let told = |ran: &Ran| no_canary("an error", &format!("{}{}", ran.out, ran.err), &[]);
    let host = cluster.prometheus.url.replace("http://", "");
    for url in [
        format!("http://ana:{}@{host}", canary("prompassword")),
        format!("http://ana:{}@127.0.0.1:9/", canary("prompassword")),
        format!("http://{host}/?token={}", canary("prompassword")),
        format!("ftp://ana:{}@{host}", canary("prompassword")),
    ] {
        told(&cluster.run_with(&url, &["propose"]));
        told(&cluster.run_with(&url, &["check"]));
    }
    let proxy = format!("http://proxy:{}@127.0.0.1:9", canary("proxy"));
    for variable in ["HTTPS_PROXY", "HTTP_PROXY"] {
        let mut by = std::process::Command::new("env");
        told(&cluster.run_by(by.arg(format!("{variable}={proxy}")), &["check"]));
    }
    let kubeconfig = std::fs::read_to_string(cluster.kubeconfig()).expect("a file");
    let users = [
        format!(
            "user: {{client-certificate-data: {}, client-key-data: {}}}",
            canary("clientkey"),
            canary("clientkey")
        ),
        format!(
            "user: {{username: ana, password: {}, token: [{}]}}",
            canary("kubetoken"),
            canary("kubetoken")
        ),
        format!(
            "user: {{exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: sh, args: [-c, \
             \"echo 'password={} rejected' >&2; exit 3\"]}}}}",
            canary("pluginstderr")
        ),
        format!(
            "user: {{exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: sh, args: [-c, \
             \"echo '{{token: {}'; exit 0\"]}}}}",
            canary("kubetoken")
        ),
    ];
    for user in users {
        let token = format!("user: {{token: {}}}", canary("kubetoken"));
        let changed = kubeconfig.replace(&token, &user);
        assert_ne!(changed, kubeconfig);
        std::fs::write(cluster.kubeconfig(), changed).expect("a file");
        told(&cluster.run(&["propose"]));
        told(&cluster.run(&["check"]));
    }
}
