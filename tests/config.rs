//! What a person writes (configuration, SLO files, themes, keymaps) is taken whole or refused whole, and a refusal
//! says where: the tables below hold the wrong text, its exact line and column, and a part of what is said.

use std::path::{Path, PathBuf};
use std::time::Duration;

use goaround::advisor::wire::{Azure, Budget, KeyFrom, Provider, Settings};
use goaround::domain::advice::Share;
use goaround::domain::policy::Policy;
use goaround::domain::sloth::{Declared, DeclaredSli};
use goaround::domain::window::Window;
use goaround::shell::config::{self, Advisor, Config, ConfigError, Credentials, Environment};
use goaround::shell::slo_file;
use goaround::ui::keymap::{COMMANDS, DEFAULT, Keymap};
use goaround::ui::theme::{DARK, Depth, Theme};
use serde_json::json;

/// Wrong text, line, column, part of the message or hint.
type Bad<'t> = (&'t str, usize, usize, &'t str);

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config")
}

fn fixture(name: &str) -> String {
    std::fs::read_to_string(fixtures().join(name)).expect("the fixture is there")
}

fn parse(source: &str) -> Result<Config, ConfigError> {
    Config::parse(source, &fixtures().join("config.toml"), None)
}

/// Checks that `error` stands at the place, says the part, and shows the line with a caret.
fn check(error: &str, file: &str, (source, line, column, part): Bad<'_>) {
    assert!(error.starts_with(&format!("{file}:{line}:{column}: ")), "{source}\n---\n{error}");
    assert!(error.contains(part), "expected {part:?} in\n{error}");
    let caret = error.lines().nth(3).expect("four lines at least");
    assert!(caret.trim_start_matches([' ', '|']).starts_with('^'), "{error}");
}

fn check_configs(bad: &[Bad<'_>]) {
    for bad in bad {
        let error = parse(bad.0).expect_err(bad.0).to_string();
        check(&error, &fixtures().join("config.toml").display().to_string(), *bad);
    }
}

#[test]
fn an_empty_configuration_is_the_defaults_of_the_contract() {
    let config = parse("").expect("nothing is wrong with nothing");
    assert_eq!(
        config.policy,
        Policy {
            min_bad: 10,
            min_requests: 100,
            min_served: Window::minutes(10),
            min_served_requests: 1_000,
            onset_within: Window::minutes(30),
            void_after: Window::minutes(10),
            execute_within: Window::from_secs(30),
            wait: Window::minutes(5),
            wait_burn_factor: 1.5,
            max_per_hour: 3,
            cool_down: Window::minutes(30),
            keep_config_content: true,
            freeze: None,
            freezes: Vec::new(),
        }
    );
    assert!(config.gate.lease && config.slos.is_empty() && config.workloads.is_empty());
    assert_eq!(config.advisor, Advisor { settings: None, share: Share::Facts, tools: false });
    assert_eq!((config.prometheus.url, config.prometheus.credentials), (None, Credentials::None));
    assert_eq!(config.theme, Theme::parse(DARK, "dark").expect("a theme"));
    assert_eq!(config.keymap, Keymap::parse(DEFAULT, "default", COMMANDS).expect("a keymap"));
}

#[test]
fn every_key_is_read_and_relative_paths_belong_to_the_folder_of_the_file() {
    let config =
        config::load(Some(&fixtures().join("full.toml")), &Environment::default()).expect("a configuration");
    assert!(
        config.is_production("eu-PROD-1")
            && config.is_production("live-2")
            && !config.is_production("staging")
    );
    assert_eq!(config.prometheus.url.as_deref(), Some("https://prometheus.example:9090/prefix"));
    assert_eq!(config.prometheus.credentials, Credentials::Bearer(fixtures().join("secrets/token")));
    assert_eq!(config.prometheus.ca_file, Some(fixtures().join("sloth/README.md")));
    assert_eq!(config.prometheus.headers["x-scope-orgid"], "shop");
    let policy = config.policy.clone();
    assert_eq!(
        (policy.min_bad, policy.min_requests, policy.min_served_requests, policy.max_per_hour),
        (20, 200, 2_000, 1)
    );
    assert_eq!(
        [
            policy.min_served,
            policy.onset_within,
            policy.void_after,
            policy.execute_within,
            policy.wait,
            policy.cool_down
        ]
        .map(Window::secs),
        [1_200, 3_600, 300, 10, 120, 0]
    );
    assert_eq!((policy.wait_burn_factor, policy.keep_config_content), (2.0, false));
    assert_eq!(policy.freeze.expect("a freeze").as_str(), "no changes before the audit");
    assert!(!config.gate.lease);
    assert_eq!(config.gate.quorum, 2);
    assert!(!config.ui.mouse);
    let advisor = config.advisor.clone();
    assert_eq!((advisor.share, advisor.tools), (Share::FactsAndLogs, true));
    let azure = Azure { deployment: "rollbacks".into(), api_version: "2024-10-21".into() };
    let mut settings =
        Settings::new(Provider::OpenAi { azure: Some(azure) }, "https://shop.openai.azure.example", "gpt-x");
    settings.key = Some(KeyFrom::Env("SHOP_MODEL_KEY".into()));
    settings.headers = vec![("x-team".into(), "shop".into())];
    settings.ca_file = Some(fixtures().join("sloth/README.md"));
    settings.proxy = Some("http://proxy.example:3128".into());
    settings.budget = Budget {
        first_token: Duration::from_secs(10),
        whole: Duration::from_secs(60),
        with_tools: Duration::from_secs(120),
        prompt_tokens: 3_000,
        answer_tokens: 500,
    };
    settings.schema = false;
    let body = json!({"temperature": 0.5, "cache_prompt": false, "stop": ["x"],
        "reasoning": {"effort": "low", "budget": 3}});
    settings.extra = body.as_object().expect("an object").clone();
    assert_eq!(advisor.settings, Some(settings));
    let slos: Vec<String> = config
        .slos
        .iter()
        .map(|slo| {
            let id = slo.id.as_ref().map_or("*", |id| id.as_str());
            let workload = slo.workload.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{} {id} {workload}", slo.declared.len())
        })
        .collect();
    assert_eq!(
        slos,
        [
            "1 * shop/Deployment/myservice",
            "2 k8s-apiserver-requests-latency kube-system/Deployment/apiserver",
            "0 checkout-availability shop/Deployment/checkout",
        ]
    );
    let workloads: Vec<String> =
        config.slo_workloads().iter().map(|(id, key)| format!("{id} {key}")).collect();
    assert_eq!(
        workloads,
        [
            "checkout-availability shop/checkout",
            "k8s-apiserver-requests-latency kube-system/apiserver",
            "myservice-requests-availability shop/myservice",
        ]
    );
    assert_eq!(config.declared().count(), 3);
    let edges: Vec<String> = config.depends_on().values().flatten().map(ToString::to_string).collect();
    assert_eq!(edges, ["shop/payment", "shop/inventory"]);
    let depends_on: Vec<String> = config.workloads[0].depends_on.iter().map(ToString::to_string).collect();
    assert_eq!(depends_on, ["shop/Deployment/payment", "shop/inventory"]);
}

#[test]
fn a_misspelt_or_misplaced_key_is_refused_at_the_key() {
    check_configs(&[
        ("[ui]\ntheem = \"dark\"\n", 2, 1, "did you mean `theme`?"),
        ("\n[polcy]\nmin_bad = 1\n", 2, 2, "did you mean `policy`?"),
        ("[policy]\nmin_bad = 1\n  min-requests = 5\n", 3, 3, "did you mean `min_requests`?"),
        ("[prometheus]\nulr = \"http://x\"\n", 2, 1, "did you mean `url`?"),
        (
            "[[slo]]\nid = \"a\"\nworkload = \"a/Deployment/b\"\n[[slo]]\nflie = \"x\"\n",
            5,
            1,
            "did you mean `file`?",
        ),
        (
            "[[workload]]\nname = \"a/Deployment/b\"\ndepends = []\n",
            3,
            1,
            "expected one of: name, depends_on, quorum",
        ),
        ("[gate]\nfreeze = \"x\"\n", 2, 1, "move the line below [policy]"),
        ("[policy]\nlease = true\n", 2, 1, "move the line below [gate]"),
        ("[advisor]\nprovider = \"none\"\nmodle = \"x\"\n", 3, 1, "did you mean `model`?"),
        ("nothing_like_it = 1\n", 1, 1, "expected one of: prod_contexts, ui"),
        ("policy = { min_bda = 1 }\n", 1, 12, "did you mean `min_bad`?"),
    ]);
}

#[test]
fn what_is_no_toml_is_refused_where_it_stops_being_so() {
    check_configs(&[
        ("[ui]\ntheme = \"dark\nkeymap = \"default\"\n", 2, 14, "not TOML"),
        ("[policy]\nmin_bad = \n", 2, 11, "not TOML"),
        ("[policy\n", 1, 8, "not TOML"),
        ("[ui]\ntheme = \"dark\"\ntheme = \"dark\"\n", 3, 1, "duplicate key"),
        ("[policy]\n[policy]\n", 2, 2, "duplicate key"),
    ]);
}

#[test]
fn a_wrong_type_is_refused_at_the_value() {
    check_configs(&[
        ("prod_contexts = \"*prod*\"\n", 1, 17, "is a string, expected a list"),
        ("prod_contexts = [\"a\", 3]\n", 1, 23, "is an integer, expected a string"),
        ("prod_contexts = [\"a\", \"\"]\n", 1, 23, "is empty"),
        ("[ui]\ntheme = 1\n", 2, 9, "expected a string"),
        ("policy = 1\n", 1, 10, "expected a table, [policy]"),
        ("[policy]\nmin_bad = \"10\"\n", 2, 11, "is a string, expected a whole number"),
        ("[policy]\nmin_bad = 1.5\n", 2, 11, "is a float, expected a whole number"),
        ("[policy]\nmin_served = 10\n", 2, 14, "expected a duration as in"),
        ("[policy]\nwait_burn_factor = \"2\"\n", 2, 20, "expected a number"),
        ("[policy]\nkeep_config_content = \"yes\"\n", 2, 23, "expected true or false"),
        ("[gate]\nlease = 1\n", 2, 9, "expected true or false"),
        ("[[policy.freeze]]\nfrom = 2026-12-20T18:00:00Z\nwhy = \"x\"\n", 1, 1, "`to`"),
        (
            "[[policy.freeze]]\nfrom = 2026-12-20T18:00:00\nto = \"x\"\nwhy = \"x\"\n",
            2,
            8,
            "a time with its zone",
        ),
        (
            "[[policy.freeze]]\nwhy = \"x\"\nfrom = 2026-12-20T18:00:00Z\nto = 2026-12-20T18:00:00Z\n",
            4,
            6,
            "expected a time after `from`",
        ),
        ("[[policy.freeze]]\nwhy = \"x\"\ndays = [\"fry\"]\n", 3, 9, "did you mean `fri`?"),
        ("[[policy.freeze]]\nwhy = \"x\"\ndays = []\n", 3, 8, "`days` is empty"),
        ("[[policy.freeze]]\nwhy = \"x\"\ndays = [\"fri\"]\nfrom = \"16h\"\n", 4, 8, "as in \"16:00\""),
        ("[[policy.freeze]]\nwhy = \"x\"\ndays = [\"fri\"]\nto = \"24:01\"\n", 4, 6, "as in \"16:00\""),
        (
            "[[policy.freeze]]\nwhy = \"x\"\ndays = [\"fri\"]\nutc_offset = \"CET\"\n",
            4,
            14,
            "as in \"+01:00\"",
        ),
        ("[[policy.freeze]]\nwhy = \" \"\n", 2, 7, "is empty"),
        ("[gate]\nquorum = 0\n", 2, 10, "expected a whole number"),
        ("[gate]\nquorum = 10\n", 2, 10, "2 is the four-eyes principle"),
        ("[[workload]]\nname = \"a/Deployment/b\"\nquorum = \"two\"\n", 3, 10, "expected a whole number"),
        ("[slo]\nid = \"a\"\n", 1, 1, "write [[slo]] with double brackets"),
        ("[[workload]]\nname = \"a/Deployment/b\"\ndepends_on = \"a/b\"\n", 3, 14, "expected a list"),
        ("[prometheus]\nheaders = []\n", 2, 11, "expected a table, [prometheus.headers]"),
    ]);
}

#[test]
fn a_value_without_sense_is_refused_at_the_value() {
    check_configs(&[
        ("[policy]\nmin_bad = 0\n", 2, 11, "is 0, expected a whole number of at least 1"),
        ("[policy]\nmin_requests = -5\n", 2, 16, "is -5, expected a whole number of at least 1"),
        ("[policy]\nmax_per_hour = 9223372036854775808\n", 2, 16, "expected a whole number"),
        ("[policy]\nwait_burn_factor = 0.5\n", 2, 20, "is 0.5, expected a number of at least 1"),
        ("[policy]\nwait_burn_factor = inf\n", 2, 20, "is inf, expected a number"),
        ("[policy]\nmin_served = \"10 minutes\"\n", 2, 14, "\"10 minutes\", expected a duration as in"),
        ("[policy]\nvoid_after = \"0s\"\n", 2, 14, "expected a duration from 1s to 30d"),
        ("[policy]\nwait = \"-5m\"\n", 2, 8, "expected a duration as in"),
        ("[policy]\ncool_down = \"31d\"\n", 2, 13, "is 31d, expected a duration from 0s to 30d"),
        ("[policy]\nfreeze = \" \"\n", 2, 10, "take the line out to lift the freeze"),
        ("[advisor]\nprovider = \"openia\"\n", 2, 12, "did you mean `openai`?"),
        ("[ui]\ntheme = \"drak\"\n", 2, 9, "did you mean `dark`?"),
        ("[ui]\ntheme = \"../dark\"\n", 2, 9, "expected a name, not a path"),
        ("[ui]\nkeymap = \"emacs\"\n", 2, 10, "expected one of: default, vim"),
        ("[ui]\nchoose_context = \"always\"\n", 2, 18, "expected one of: \"ask\", \"current\""),
        ("[ui]\nbell = \"on\"\n", 2, 8, "expected true or false"),
        ("[ui]\nascii = \"auto\"\n", 2, 9, "expected true or false"),
    ]);
}

#[test]
fn a_workload_is_written_in_one_way_only() {
    check_configs(&[
        ("[[workload]]\ndepends_on = []\n", 1, 1, "`name` is missing in [[workload]]"),
        ("[[workload]]\nname = \"a/Deployment/b\"\n", 1, 1, "`depends_on` is missing"),
        (
            "[[workload]]\nname = \"shop/checkout\"\ndepends_on = []\n",
            2,
            8,
            "write \"shop/Deployment/checkout\"",
        ),
        ("[[workload]]\nname = \"a/deployment/b\"\ndepends_on = []\n", 2, 8, "write \"a/Deployment/b\""),
        ("[[workload]]\nname = \"a/StatefulSet/b\"\ndepends_on = []\n", 2, 8, "Deployments only"),
        ("[[workload]]\nname = \"A/Deployment/b\"\ndepends_on = []\n", 2, 8, "the namespace \"A\""),
        ("[[workload]]\nname = \"a/Deployment/-b\"\ndepends_on = []\n", 2, 8, "the name \"-b\""),
        (
            "[[workload]]\nname = \"a/Deployment/b\"\ndepends_on = [\n  \"a/c\",\n  \"d\",\n]\n",
            5,
            3,
            "\"d\" is no dependency",
        ),
        ("[[workload]]\nname = \"a/Deployment/b\"\ndepends_on = [\"a/Deployment/b\"]\n", 3, 14, "on itself"),
        (
            "[[workload]]\nname = \"a/Deployment/b\"\ndepends_on = []\n\
             [[workload]]\nname = \"a/Deployment/b\"\ndepends_on = []\n",
            5,
            8,
            "already",
        ),
    ]);
}

#[test]
fn an_slo_entry_says_something_and_says_it_once() {
    check_configs(&[
        ("[[slo]]\nid = \"a\"\n", 1, 1, "expected `workload` with it, or a `file`"),
        ("[[slo]]\nworkload = \"a/Deployment/b\"\n", 1, 1, "names no SLO"),
        ("[[slo]]\nid = \"a\"\nworkload = \"b\"\n", 3, 12, "is no workload"),
        ("[[slo]]\nfile = \"gone.yml\"\n", 2, 8, "expected a file"),
        ("[[slo]]\nfile = \"sloth\"\n", 2, 8, "it is no file"),
        ("[[slo]]\nfile = \"~/x.yml\"\n", 2, 8, "starts with `~`"),
        (
            "[[slo]]\nfile = \"sloth/no-alerts.yml\"\nid = \"myapp-http-availabilty\"\n",
            3,
            6,
            "did you mean `myapp-http-availability`?",
        ),
        (
            "[[slo]]\nfile = \"sloth/no-alerts.yml\"\n[[slo]]\nfile = \"sloth/no-alerts.yml\"\n",
            4,
            8,
            "declared by an earlier [[slo]]",
        ),
        (
            "[[slo]]\nid = \"a\"\nworkload = \"a/Deployment/b\"\n[[slo]]\nid = \"a\"\nworkload = \"a/Deployment/c\"\n",
            5,
            6,
            "has an [[slo]] already",
        ),
    ]);
}

#[test]
fn prometheus_is_named_without_secrets() {
    check_configs(&[
        ("[prometheus]\nurl = \"prometheus:9090\"\n", 2, 7, "expected a URL as in"),
        ("[prometheus]\nurl = \"\"\n", 2, 7, "is empty"),
        ("[prometheus]\nurl = \"ftp://x\"\n", 2, 7, "no http:// or https://"),
        ("[prometheus]\nurl = \"http://x/?a=b\"\n", 2, 7, "query"),
        ("[prometheus]\nurl = \"http://me:pw@x\"\n", 2, 7, "use basic_user and basic_password_file"),
        ("[prometheus]\nbearer_token = \"x\"\n", 2, 1, "name the file that holds it"),
        ("[prometheus]\nbearer_file = \"\"\n", 2, 15, "is empty"),
        ("[prometheus]\nbasic_user = \"me\"\n", 2, 1, "expected `basic_password_file` with it"),
        ("[prometheus]\nbasic_password_file = \"f\"\n", 2, 1, "expected `basic_user` with it"),
        ("[prometheus]\nbasic_user = \"me\"\nbearer_file = \"f\"\n", 3, 1, "one way to say who we are"),
        ("[prometheus]\nca_file = \"gone.pem\"\n", 2, 11, "expected a file"),
        ("[prometheus.headers]\nAuthorization = \"x\"\n", 2, 1, "is a secret"),
        ("[prometheus.headers]\n\"a b\" = \"x\"\n", 2, 1, "is no header"),
        ("[prometheus.headers]\nHost = \"x\"\n", 2, 1, "set by goaround itself"),
        ("[prometheus.headers]\nx = \"a\\nb\"\n", 2, 5, "control character"),
        ("[prometheus.headers]\nx = \"a\"\nX = \"b\"\n", 3, 1, "set twice"),
    ]);
}

#[test]
fn a_model_is_asked_only_where_all_that_is_needed_is_said() {
    let settings = |source: &str| parse(source).unwrap_or_else(|e| panic!("{e}")).advisor.settings;
    let openai = settings("[advisor]\nprovider = 'openai'\nmodel = 'm'\nkey_env = 'K'\n").expect("a model");
    assert_eq!(openai.url, "https://api.openai.com/v1");
    assert_eq!((openai.budget, openai.schema), (Budget::default(), true));
    let file = "[advisor]\nprovider = 'anthropic'\nmodel = 'm'\nkey_file = 'k'\n";
    let anthropic = settings(file).expect("a model");
    assert_eq!(
        (anthropic.url.as_str(), anthropic.provider),
        ("https://api.anthropic.com", Provider::Anthropic)
    );
    assert_eq!(anthropic.key, Some(KeyFrom::File(fixtures().join("k"))));
    let local = settings("[advisor]\nprovider = 'openai'\nmodel = 'm'\nurl = 'http://127.0.0.1:1/v1/'\n");
    assert_eq!(local.expect("a model").url, "http://127.0.0.1:1/v1");
    let azure = "[advisor]\nprovider = 'openai'\nurl = 'https://r'\nazure_deployment = 'd'\nazure_api_version = 'v'\n";
    assert_eq!(settings(azure).expect("a model").model, "d");
    // Switched off, all the rest may stay.
    assert_eq!(settings("[advisor]\nprovider = 'none'\nmodel = 'm'\nkey_env = 'K'\n"), None);
    assert_eq!(settings("[advisor]\n"), None);
}

#[test]
fn an_advisor_without_sense_is_refused_at_its_place() {
    let openai = "[advisor]\nprovider = 'openai'\n";
    let with = |more: &str| format!("{openai}{more}");
    for (more, line, column, part) in [
        ("key_env = 'K'\n", 1, 1, "`model` is missing in [advisor]"),
        ("model = 'm'\n", 1, 1, "https://api.openai.com/v1 wants a key, expected key_env or key_file"),
        ("model = ' '\n", 3, 9, "is empty"),
        ("key = 'x'\n", 3, 1, "key_env names the variable"),
        ("api_key = 'x'\n", 3, 1, "key_env names the variable"),
        ("key_env = 'K'\nkey_file = 'f'\n", 4, 1, "expected one place for the key"),
        ("key_env = 'sk-abc'\n", 3, 11, "is no name of a variable"),
        ("key_env = ''\n", 3, 11, "is empty"),
        ("url = 'ftp://x'\n", 3, 7, "no http:// or https://"),
        ("url = '127.0.0.1:8080'\n", 3, 7, "expected a URL as in"),
        ("url = 'http://me:pw@x'\n", 3, 7, "use key_env or key_file"),
        ("url = 'http://x/v1?api-version=1'\n", 3, 7, "Azure's version is azure_api_version"),
        ("url = 'http://x/v1/chat/completions'\n", 3, 7, "take /chat/completions out"),
        ("proxy = 'socks5://x'\n", 3, 9, "`proxy` has no http:// or https://"),
        ("proxy = 'http://me:pw@x'\n", 3, 9, "is taken from HTTPS_PROXY"),
        ("ca_file = 'gone.pem'\n", 3, 11, "expected a file"),
        ("headers = { Authorization = 'x' }\n", 3, 13, "is a secret"),
        ("headers = { X-Api-Key = 'x' }\n", 3, 13, "is a secret"),
        ("headers = { Content-Type = 'x' }\n", 3, 13, "set by goaround itself"),
        ("headers = { x = 'a', X = 'b' }\n", 3, 22, "set twice"),
        ("headers = { x = \"a\\nb\" }\n", 3, 17, "control character"),
        ("azure_deployment = 'd'\n", 3, 1, "expected `azure_api_version` with it"),
        ("azure_api_version = 'v'\n", 3, 1, "expected `azure_deployment` with it"),
        ("azure_deployment = 'd'\nazure_api_version = 'v'\nkey_env = 'K'\n", 1, 1, "`url` is missing"),
        ("first_token = '0s'\n", 3, 15, "expected a duration from 1s to 10m"),
        ("first_token = 5\n", 3, 15, "expected a duration as in"),
        ("first_token = '40s'\n", 3, 15, "`whole` is 30s, expected `first_token` to be the shorter one"),
        ("whole = '3s'\n", 3, 9, "`first_token` is 5s, and `whole` is 3s"),
        ("whole = '2m'\nwhole_with_tools = '60s'\n", 3, 9, "expected `whole` to be the shorter one"),
        ("prompt_tokens = 10\n", 3, 17, "expected a whole number of at least 1500"),
        ("answer_tokens = 9000000\n", 3, 17, "from 100 to 1000000"),
        ("share = 'all'\n", 3, 9, "expected one of: \"none\", \"facts\", \"facts+logs\""),
        ("share = 'fact'\n", 3, 9, "did you mean `facts`?"),
        ("tools = 1\n", 3, 9, "expected true or false"),
        ("schema = 'yes'\n", 3, 10, "expected true or false"),
        ("body = { stream = false }\n", 3, 10, "the field `stream` is set by goaround itself"),
        ("body = { a = 1, b = 2020-01-01 }\n", 3, 21, "expected what JSON has"),
        ("body = { a = [1, nan] }\n", 3, 18, "expected a number that JSON has"),
        ("[advisor.body]\nmessages = []\n", 4, 1, "the field `messages` is set by goaround itself"),
    ] {
        check_configs(&[(&with(more), line, column, part)]);
    }
    check_configs(&[
        ("[advisor]\nmodel = 'm'\n", 1, 1, "provider = \"none\" asks nobody"),
        (
            "[advisor]\nprovider = 'anthropic'\nazure_deployment = 'd'\n",
            3,
            1,
            "expected provider = \"openai\"",
        ),
        ("[advisor]\nprovider = 'anthropic'\nmodel = 'm'\n", 1, 1, "https://api.anthropic.com wants a key"),
        ("[advisor]\nprovider = 'none'\nwhole = 'x'\n", 3, 9, "expected a duration as in"),
    ]);
}

#[test]
fn a_secret_written_by_mistake_is_not_shown() {
    for source in [
        "[advisor]\napi_key = \"s3cret\"\n",
        "[advisor]\nprovider = 'openai'\nkey_env = 'sk-s3cret'\n",
        "[advisor]\nprovider = 'openai'\nurl = 'http://me:s3cret@x'\n",
        "[advisor]\nprovider = 'openai'\nproxy = 'http://me:s3cret@x'\n",
        "[advisor]\nprovider = 'openai'\nheaders = { x = 's3cret', y = 1 }\n",
        "[prometheus]\nbearer_token = \"s3cret\"\n",
        "[prometheus]\nurl = \"http://me:s3cret@x\"\n",
        "[prometheus.headers]\nAuthorization = 'Bearer s3cret'\n",
        "[prometheus.headers]\nx = \"s3cret\\n\"\n",
        "prometheus = { headers = { x = \"s3cret\" }, ulr = \"x\" }\n",
    ] {
        let error = parse(source).expect_err(source);
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
    let headers = parse("[prometheus.headers]\nx = \"s3cret\"\n").expect("a header");
    assert!(!format!("{headers:?}").contains("s3cret"));
    let model = "[advisor]\nprovider = 'openai'\nmodel = 'm'\nurl = 'http://x'\nheaders = { x = 's3cret' }\n\
                 body = { user = 's3cret' }\n";
    assert!(!format!("{:?}", parse(model).expect("a model")).contains("s3cret"));
}

#[test]
fn a_refusal_shows_the_line_and_points_at_the_word() {
    let error = parse("# ours\n[policy]\nmin_bda = 5 # five\n").expect_err("misspelt").to_string();
    let shown: Vec<&str> = error.lines().skip(1).collect();
    assert_eq!(shown, ["  |", "3 | min_bda = 5 # five", "  | ^^^^^^^", "hint: did you mean `min_bad`?"]);
}

#[test]
fn a_named_file_must_be_there_and_the_default_one_need_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let environment = Environment { config_folder: Some(folder.path().to_owned()), ..Environment::default() };
    assert!(config::load(None, &environment).is_ok());
    let error =
        config::load(Some(&folder.path().join("config.toml")), &environment).expect_err("a named file");
    assert!(
        matches!(error, ConfigError::Unreadable { .. }) && error.to_string().contains("hint:"),
        "{error}"
    );
    std::fs::write(folder.path().join("config.toml"), "[policy]\nfreeze = \"audit\"\n").expect("written");
    let config = config::load(None, &environment).expect("the default file");
    assert!(config.policy.freeze.is_some());
    std::fs::write(folder.path().join("config.toml"), b"[ui]\ntheme = \"d\xff\"\n").expect("written");
    let error = config::load(None, &environment).expect_err("no UTF-8").to_string();
    assert!(error.contains("config.toml:2:11: this byte is no UTF-8"), "{error}");
    std::fs::remove_file(folder.path().join("config.toml")).expect("removed");
    std::fs::create_dir(folder.path().join("config.toml")).expect("a folder in its place");
    assert!(config::load(None, &environment).is_err(), "what is there but cannot be read is no absence");
}

#[test]
fn themes_and_keymaps_of_the_configuration_folder_are_added_and_override_the_built_in_ones() {
    let folder = tempfile::tempdir().expect("a folder");
    for (kind, name, text) in [
        ("themes", "dark", DARK.replace("#deaa54", "yellow")),
        ("themes", "loud", DARK.replace("#e76f69", "#ff0000")),
        ("themes", "broken", DARK.replace("\"#e76f69\"", "\"redd\"")),
        ("keymaps", "mine", DEFAULT.replace("\"q\" = ", "\"Q\" = ")),
    ] {
        std::fs::create_dir_all(folder.path().join(kind)).expect("a folder");
        std::fs::write(folder.path().join(kind).join(format!("{name}.toml")), text).expect("written");
    }
    let parse = |source: &str| Config::parse(source, Path::new("config.toml"), Some(folder.path()));
    let (dark, loud) =
        (parse("").expect("dark"), parse("[ui]\ntheme = \"loud\"\nkeymap = \"mine\"").expect("loud"));
    assert_ne!(dark.theme, Theme::parse(DARK, "dark").expect("a theme"));
    assert_ne!(loud.theme.bad, dark.theme.bad);
    assert_eq!(loud.keymap.keys_for("main", "quit"), ["Q", "ctrl+c"]);
    let error = parse("[ui]\ntheme = \"broken\"").expect_err("a wrong colour").to_string();
    assert!(
        error.contains("broken.toml:18:7: `bad` is \"redd\"") && error.contains("did you mean `red`?"),
        "{error}"
    );
    let error = parse("[ui]\ntheme = \"laud\"").expect_err("no such theme").to_string();
    assert!(
        error.contains("expected one of: broken, dark, high-contrast, light, loud, monochrome")
            && error.contains("did you mean `loud`?"),
        "{error}"
    );
}

#[test]
fn a_theme_with_a_missing_a_strange_or_a_wrong_colour_is_refused() {
    for (from, to, line, column, part) in [
        ("bad = \"#e76f69\"\n", "", 1, 1, "`bad` is missing at the top level"),
        ("bad = ", "badd = ", 18, 1, "did you mean `bad`?"),
        ("\"#e76f69\"", "\"#e2625\"", 18, 7, "expected \"#rrggbb\""),
        ("\"#e76f69\"", "\"#+2625c\"", 18, 7, "expected \"#rrggbb\""),
        ("\"#e76f69\"", "\"bright-red\"", 18, 7, "did you mean `bright_red`?"),
        ("\"#e76f69\"", "1", 18, 7, "is an integer, expected a string"),
        ("bad = \"#e76f69\"", "good = \"red\"", 18, 1, "duplicate key"),
    ] {
        let source = DARK.replacen(from, to, 1);
        let error = Theme::parse(&source, "t.toml").expect_err(part).to_string();
        check(&error, "t.toml", (&source, line, column, part));
    }
}

#[test]
fn the_environment_is_read_by_name_and_decides_depth_and_folders() {
    let environment = Environment::from(|name| match name {
        "GOAROUND_CONFIG_DIR" => Some("/c".into()),
        "GOAROUND_STATE_DIR" => Some("/s".into()),
        "TERM" => Some("xterm-256color".into()),
        "COLORTERM" => Some("".into()),
        _ => None,
    });
    assert_eq!(environment.config_folder.as_deref(), Some(Path::new("/c")));
    assert_eq!(environment.state_folder.as_deref(), Some(Path::new("/s")));
    assert_eq!(environment.depth(), Depth::Ansi256);
    assert_eq!(Environment::default().depth(), Depth::None);
}

#[test]
fn a_locale_without_utf_8_or_a_poor_terminal_gets_ascii_and_silence_does_not() {
    for (variables, ascii) in [
        (&[][..], false),
        (&[("TERM", "xterm-256color"), ("LANG", "en_GB.UTF-8")], false),
        (&[("LANG", "C.utf8")], false),
        (&[("LANG", "C")], true),
        (&[("LANG", "C"), ("LC_ALL", "de_DE.UTF-8")], false),
        (&[("LANG", "en_GB.UTF-8"), ("LC_CTYPE", "POSIX")], true),
        (&[("LANG", "en_GB.UTF-8"), ("LC_ALL", "")], false),
        (&[("LANG", "ru_RU.KOI8-R")], true),
        (&[("TERM", "linux"), ("LANG", "en_GB.UTF-8")], true),
        (&[("TERM", "vt100")], true),
        (&[("TERM", "dumb")], true),
    ] {
        let of = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, v)| (*v).into());
        assert_eq!(Environment::from(of).ascii(), ascii, "{variables:?}");
    }
}

/// A small registry, so that the keymaps below fit on a line.
const FEW: &[(&str, &str, &str)] = &[
    ("main", "quit", "leave"),
    ("main", "open", "open"),
    ("card", "arm", "arm the gate"),
    ("card", "approve", "must never be bound"),
    ("card", "back", "close"),
];
const MAIN: &str = "[main]\nq = \"quit\"\nenter = \"open\"\n";
const CARD: &str = "[card]\na = \"arm\"\nesc = \"back\"\nunbound = [\"approve\"]\n";

#[test]
fn a_keymap_binds_every_command_once_and_nothing_else() {
    // `approve` is no command of any registry; with it taken out the small one is whole.
    let few: Vec<_> = FEW.iter().copied().filter(|(_, command, _)| *command != "approve").collect();
    let card = "[card]\na = \"arm\"\nesc = \"back\"\n";
    let whole = format!("{MAIN}{card}");
    Keymap::parse(&whole, "k.toml", &few).expect("the small keymap is whole");
    for (from, to, line, column, part) in [
        ("[card]", "[crad]", 4, 2, "did you mean `card`?"),
        (card, "", 1, 1, "start it with [card]"),
        ("\"open\"", "\"opne\"", 3, 9, "did you mean `open`?"),
        ("\"open\"", "\"arm\"", 3, 9, "there is no command `arm` in [main]"),
        ("enter = \"open\"\n", "", 1, 1, "write unbound = [\"open\"]"),
        ("enter = \"open\"", "entr = \"open\"", 3, 1, "did you mean `enter`?"),
        ("enter = \"open\"", "\"shift+q\" = \"open\"", 3, 1, "write the character itself"),
        ("enter = \"open\"", "\"ctrl+m\" = \"open\"", 3, 1, "sends `ctrl+m` as `enter`"),
        ("enter = \"open\"", "q = \"open\"", 3, 1, "duplicate key"),
        ("enter = \"open\"", "enter = \"open\"\n\"\\u0071\" = \"open\"", 4, 1, "duplicate key"),
        ("enter = \"open\"", "enter = \"open\"\nunbound = [\"open\"]", 4, 12, "expected one of both"),
        ("enter = \"open\"", "unbound = [\"opne\"]", 3, 12, "did you mean `open`?"),
        ("q = \"quit\"", "unbound = [\"quit\"]", 2, 12, "cannot be unbound"),
        ("esc = \"back\"", "unbound = [\"back\"]", 6, 12, "cannot be unbound"),
        ("enter = \"open\"", "enter = 1", 3, 9, "expected a string"),
        ("enter = \"open\"", "\"q q\" = \"open\"", 3, 1, "`q q` and `q` (line 2) begin alike in [main]"),
        ("q = \"quit\"", "\"enter q\" = \"quit\"", 3, 1, "`enter q` is never reached"),
        ("enter = \"open\"", "\"g  g\" = \"open\"", 3, 1, "with one blank between them"),
        ("enter = \"open\"", "\"gg\" = \"open\"", 3, 1, "`gg` is no chord"),
        ("[main]", "inherits = \"vim\"\n[main]", 1, 12, "expected one of: \"default\""),
    ] {
        let source = whole.replacen(from, to, 1);
        let error = Keymap::parse(&source, "k.toml", &few).expect_err(part).to_string();
        check(&error, "k.toml", (&source, line, column, part));
    }
}

#[test]
fn a_keymap_that_inherits_says_only_what_is_different() {
    let parse = |text: &str| Keymap::parse(text, "k.toml", COMMANDS);
    let mine =
        parse("inherits = \"default\"\n[main]\n\"g g\" = \"home\"\n\"x\" = \"gate\"\n\"k\" = \"quit\"\n")
            .expect("whole");
    let keys = |command| mine.keys_for("main", command);
    assert_eq!(keys("home"), ["g g"], "its own keys are all that a command has");
    assert_eq!(keys("gate"), ["x"]);
    assert_eq!(keys("quit"), ["k"]);
    assert_eq!(keys("up"), ["up"], "what means something else here is no key of the other command");
    assert_eq!(keys("filter"), ["/"], "what is not said is as in `default`");
    assert_eq!(mine.keys_for("card", "arm"), ["a"]);
    let source = "inherits = \"default\"\n[main]\n\"g g\" = \"home\"\n";
    let error = parse(source).expect_err("the only key of `gate` begins another").to_string();
    check(&error, "k.toml", (source, 2, 1, "`gate` (the decision card of the open proposal) has no key"));
    let source = "inherits = \"default\"\n[card]\n\"a a\" = \"arm\"\n";
    let error = parse(source).expect_err("arming is one key").to_string();
    check(&error, "k.toml", (source, 3, 1, "expected one printable key"));
}

#[test]
fn every_built_in_theme_and_keymap_is_taken_by_its_name() {
    for (name, source) in goaround::ui::theme::BUILT_IN {
        let config = parse(&format!("[ui]\ntheme = \"{name}\"\n")).expect(name);
        assert_eq!(config.theme, Theme::parse(source, name).expect(name));
        assert_eq!(config.ui.theme, format!("{name}.toml (built in)"));
    }
    for (name, source) in goaround::ui::keymap::BUILT_IN {
        let config = parse(&format!("[ui]\nkeymap = \"{name}\"\n")).expect(name);
        assert_eq!(config.keymap, Keymap::parse(source, name, COMMANDS).expect(name));
    }
    let mut config = parse("").expect("nothing");
    let asked = config::Asked { theme: Some("light"), keymap: Some("vim") };
    config.ask(asked, None).expect("both are built in");
    assert_eq!(config.ui.keymap, "vim.toml (built in)");
    let asked = config::Asked { theme: Some("lihgt"), keymap: None };
    let error = config.ask(asked, None).expect_err("no such theme").to_string();
    assert!(
        error.contains("there is no theme `lihgt`") && error.contains("did you mean `light`?"),
        "{error}"
    );
    let asked = config::Asked { theme: None, keymap: Some("../vim") };
    assert!(config.ask(asked, None).expect_err("a path").to_string().contains("expected a name"));
}

#[test]
fn two_spellings_of_one_chord_are_one_chord() {
    let few: Vec<_> = FEW.iter().copied().filter(|(context, _, _)| *context == "main").collect();
    let source = "[main]\nq = \"quit\"\n\"ctrl+alt+x\" = \"quit\"\n\"alt+ctrl+x\" = \"open\"\n";
    let error = Keymap::parse(source, "k.toml", &few).expect_err("twice").to_string();
    check(&error, "k.toml", (source, 4, 1, "`ctrl+alt+x` is bound twice in [main], first in line 3"));
}

#[test]
fn no_keymap_can_approve_even_where_a_registry_would_let_it() {
    for (from, to, line, column, part) in [
        ("esc = \"back\"", "esc = \"back\"\ny = \"approve\"", 7, 5, "cannot be bound to a key"),
        ("esc = \"back\"", "esc = \"back\"\ny = \"type_token\"", 7, 5, "opens the gate is `arm`"),
        ("a = \"arm\"", "enter = \"arm\"", 5, 1, "expected one printable key"),
        ("a = \"arm\"", "space = \"arm\"", 5, 1, "expected one printable key"),
        ("a = \"arm\"", "\"ctrl+a\" = \"arm\"", 5, 1, "expected one printable key"),
        ("a = \"arm\"", "f1 = \"arm\"", 5, 1, "expected one printable key"),
        ("a = \"arm\"", "a = \"arm\"\nb = \"arm\"", 6, 1, "has a second key"),
    ] {
        let source = format!("{MAIN}{CARD}").replacen(from, to, 1);
        let error = Keymap::parse(&source, "k.toml", FEW).expect_err(part).to_string();
        check(&error, "k.toml", (&source, line, column, part));
    }
}

fn declared(name: &str) -> Vec<Declared> {
    slo_file::parse(&fixture(name), name).expect("an SLO file")
}

#[test]
fn the_examples_of_sloth_are_taken_as_they_are() {
    let slo = &declared("sloth/getting-started.yml")[0];
    assert_eq!(slo.id, "myservice-requests-availability");
    assert_eq!((slo.service.as_str(), slo.name.as_str()), ("myservice", "requests-availability"));
    assert_eq!(slo.objective_percent, 99.9);
    assert_eq!(slo.labels["tier"], "2");
    assert_eq!(
        slo.query(Window::minutes(5)),
        "(sum(rate(http_request_duration_seconds_count{job=\"myservice\",code=~\"(5..|429)\"}[5m])))\n/\n\
         (sum(rate(http_request_duration_seconds_count{job=\"myservice\"}[5m])))"
    );
    let page = slo.page.as_ref().expect("a page");
    assert_eq!(
        (page.name.as_str(), page.labels["severity"].as_str()),
        ("MyServiceHighErrorRate", "pageteam")
    );
    assert_eq!(page.labels["category"], "availability");
    assert_eq!(slo.ticket.as_ref().expect("a ticket").labels["slack_channel"], "#alerts-myteam");

    let two = declared("sloth/kubernetes-apiserver.yml");
    let ids: Vec<&str> = two.iter().map(|slo| slo.id.as_str()).collect();
    assert_eq!(ids, ["k8s-apiserver-requests-availability", "k8s-apiserver-requests-latency"]);
    assert_eq!(two[1].objective_percent, 99.0);
    let query = two[1].query(Window::days(30));
    assert!(query.matches("[30d]").count() == 3 && !query.contains("{{"), "{query}");

    let silent = &declared("sloth/no-alerts.yml")[0];
    assert_eq!((&silent.page, &silent.ticket), (&None, &None));

    let raw = &declared("sloth/raw-home-wifi.yml")[0];
    assert!(matches!(raw.sli, DeclaredSli::Raw { .. }));
    assert!(
        raw.query(Window::hours(1)).starts_with("(1 - (\n") && raw.query(Window::hours(1)).contains("[1h]")
    );
}

#[test]
fn several_documents_in_one_file_are_all_read() {
    let both = format!("{}---\n{}", fixture("sloth/getting-started.yml"), fixture("sloth/no-alerts.yml"));
    let slos = slo_file::parse(&both, "both.yml").expect("two documents");
    let ids: Vec<&str> = slos.iter().map(|slo| slo.id.as_str()).collect();
    assert_eq!(ids, ["myservice-requests-availability", "myapp-http-availability"]);
    let wrong = both.replace("total_query: |", "total_qury: |");
    let error = slo_file::parse(&wrong, "both.yml").expect_err("misspelt in the second").to_string();
    check(&error, "both.yml", (&wrong, 52, 9, "did you mean `total_query`?"));
}

#[test]
fn the_other_formats_are_named_and_refused() {
    for (name, line, part) in [
        ("sloth/k8s-getting-started.yml", 6, "the Kubernetes form of Sloth"),
        ("sloth/contrib-denominator-corrected.yaml", 1, "the Kubernetes form of Sloth"),
        ("sloth/openslo-getting-started.yml", 6, "this file is OpenSLO"),
    ] {
        let source = fixture(name);
        let error = slo_file::parse(&source, name).expect_err(name).to_string();
        check(&error, name, (&source, line, 13, part));
        assert!(error.contains("hint: once its rules are in Prometheus"), "{error}");
    }
}

#[test]
fn a_wrong_slo_file_is_refused_with_its_place() {
    let source = fixture("sloth/getting-started.yml");
    let events = "sli:\n      events:";
    for (from, to, line, column, part) in [
        ("version:", "verson:", 1, 1, "did you mean `version`?"),
        ("service: ", "servce: ", 2, 1, "did you mean `service`?"),
        ("objective:", "objetive:", 10, 5, "did you mean `objective`?"),
        ("error_query:", "errorQuery:", 14, 9, "did you mean `error_query`?"),
        ("page_alert:", "page_alerts:", 23, 7, "did you mean `page_alert`?"),
        ("severity: pageteam", "severity: [pageteam]", 25, 21, "string"),
        ("version: \"prometheus/v1\"\n", "", 1, 1, "`version` is missing"),
        ("prometheus/v1", "prometheus/v2", 1, 10, "expected `prometheus/v1`"),
        ("service: \"myservice\"", "service: \"my service\"", 2, 10, "expected letters"),
        ("service: \"myservice\"\n", "", 1, 1, "`service` is missing"),
        ("objective: 99.9", "objective: 0", 10, 16, "greater than 0 and at most 100"),
        ("objective: 99.9", "objective: 100.1", 10, 16, "greater than 0 and at most 100"),
        ("objective: 99.9", "objective: -1", 10, 16, "greater than 0 and at most 100"),
        ("objective: 99.9", "objective: .nan", 10, 16, "expected"),
        ("objective: 99.9", "objective: most", 10, 16, "expected a number"),
        ("    objective: 99.9\n", "", 9, 5, "`objective` is missing in this SLO"),
        ("- name: \"requests-availability\"\n    o", "- o", 9, 5, "`name` is missing in this SLO"),
        ("        total_query:", "        #", 14, 9, "`total_query` is missing"),
        ("[{{.window}}]", "[5m]", 14, 22, "no {{.window}} in the expression"),
        ("[{{.window}}]", "[{{.win}}]", 14, 22, "`{{.win}}` is not understood"),
        (events, "sli:\n      plugin: {id: x}\n      events:", 13, 15, "SLI plugins are not supported"),
        (
            events,
            "sli:\n      raw: {error_ratio_query: \"a[{{.window}}]\"}\n      events:",
            13,
            7,
            "both `events` and `raw`",
        ),
        ("labels:", "slo_plugins: {chain: [{id: x}]}\nlabels:", 3, 14, "plugins are not supported"),
        (
            "    objective:",
            "    plugins: {chain: [{id: x}]}\n    objective:",
            10,
            14,
            "plugins are not supported",
        ),
        ("labels:", "labels: [", 3, 9, "expected mapping"),
        ("labels:\n  owner", "labels: {}\nlabels:\n  owner", 4, 1, "labels"),
    ] {
        let wrong = source.replacen(from, to, 1);
        assert_ne!(wrong, source, "{from}");
        let error = slo_file::parse(&wrong, "slo.yml").expect_err(part).to_string();
        check(&error, "slo.yml", (&wrong, line, column, part));
    }
}

#[test]
fn an_slo_is_declared_once_and_a_file_declares_something() {
    let source = fixture("sloth/no-alerts.yml");
    let twice = format!("{source}---\n{source}");
    let error = slo_file::parse(&twice, "slo.yml").expect_err("twice").to_string();
    check(&error, "slo.yml", (&twice, 42, 11, "`myapp-http-availability` is declared twice"));
    for (source, line, column, part) in [
        ("", 1, 1, "there is no SLO in this file"),
        ("# nothing\n", 1, 1, "there is no SLO in this file"),
        ("version: prometheus/v1\nservice: a\n", 1, 1, "`slos` is missing"),
        ("version: prometheus/v1\nservice: a\nslos: []\n", 3, 7, "expected at least one SLO"),
        ("- a\n", 1, 1, "expected"),
    ] {
        let error = slo_file::parse(source, "slo.yml").expect_err(part).to_string();
        assert!(error.starts_with(&format!("slo.yml:{line}:{column}: ")) && error.contains(part), "{error}");
    }
}

#[test]
fn hostile_text_in_a_file_is_shown_escaped_and_never_obeyed() {
    let error = parse("\"the\\u001bme\" = 1 # \u{1b}[2J\n").expect_err("a strange key").to_string();
    assert!(error.chars().all(|c| c == '\n' || !c.is_control()), "{error:?}");
    let source = fixture("sloth/no-alerts.yml").replace("Common SLO", "\u{202e}Common SLO");
    let slos = slo_file::parse(&source, "slo.yml").expect("only the description is strange");
    assert!(slos[0].description.as_str().starts_with("<u+202e>Common SLO"));
}

/// `text` with `junk` in place of some of its characters.
fn damaged(text: &str, at: usize, length: usize, junk: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let start = at % chars.len();
    let end = (start + length).min(chars.len());
    let (before, after) = (&chars[..start], &chars[end..]);
    before.iter().copied().chain(junk.chars()).chain(after.iter().copied()).collect()
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]

    #[test]
    fn damaged_text_is_read_or_refused_with_a_place_and_never_a_panic(
        at in 0_usize..5_000,
        length in 0_usize..12,
        junk in "[\\PC\n\t\"'\\[\\]{}=:#\u{1b}\u{202e}]{0,6}",
    ) {
        let config = damaged(&fixture("full.toml"), at, length, &junk);
        let slo = damaged(&fixture("sloth/kubernetes-apiserver.yml"), at, length, &junk);
        let theme = damaged(DARK, at, length, &junk);
        let keymap = damaged(DEFAULT, at, length, &junk);
        let errors = [
            parse(&config).err().map(|error| error.to_string()),
            slo_file::parse(&slo, "f").err().map(|error| error.to_string()),
            Theme::parse(&theme, "f").err().map(|error| error.to_string()),
            Keymap::parse(&keymap, "f", COMMANDS).err().map(|error| error.to_string()),
        ];
        for error in errors.into_iter().flatten() {
            let place: Vec<&str> = error.splitn(4, ':').collect();
            proptest::prop_assert!(place.len() == 4 && place[1].parse::<usize>().is_ok(), "{error}");
            proptest::prop_assert!(error.chars().all(|c| c == '\n' || !c.is_control()), "{error:?}");
        }
    }
}

#[test]
fn what_an_id_says_comes_before_what_its_whole_file_says() {
    let by_id = "[[slo]]\nid = \"k8s-apiserver-requests-latency\"\nworkload = \"a/Deployment/one\"\n";
    let by_file = "[[slo]]\nfile = \"sloth/kubernetes-apiserver.yml\"\nworkload = \"a/Deployment/all\"\n";
    for source in [format!("{by_id}{by_file}"), format!("{by_file}{by_id}")] {
        let workloads = parse(&source).expect("a configuration").slo_workloads();
        let names: Vec<&str> = workloads.values().map(|key| key.name.as_str()).collect();
        assert_eq!(names, ["all", "one"], "{source}");
    }
}

#[test]
fn a_workload_can_want_another_quorum_and_need_not_say_whom_it_calls() {
    let source = "[gate]\nquorum = 2\n[[workload]]\nname = \"shop/Deployment/api\"\nquorum = 3\n\
        [[workload]]\nname = \"shop/Deployment/web\"\ndepends_on = []\n";
    let config = Config::parse(source, std::path::Path::new("config.toml"), None).expect("a configuration");
    let quorums = config.quorums();
    assert_eq!((config.gate.quorum, quorums.len()), (2, 1));
    assert_eq!(quorums.values().next(), Some(&3));
}

#[test]
fn freezes_are_a_stretch_of_time_or_hours_of_the_week() {
    let source = "[[policy.freeze]]\nfrom = 2026-12-20T18:00:00+01:00\nto = \"2027-01-02T06:00:00Z\"\n\
        why = \"end of the year\"\n[[policy.freeze]]\ndays = [\"fri\", \"sun\"]\nfrom = \"16:00\"\n\
        utc_offset = \"+05:30\"\nwhy = \"nobody is there\"\n";
    let config = Config::parse(source, std::path::Path::new("config.toml"), None).expect("a configuration");
    let holds = |at: &str| {
        let at = at.parse().expect("a time");
        let all = config.policy.freezes.iter().filter(|f| f.until(at).is_some());
        all.map(|f| f.why.to_string()).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(config.policy.freeze, None);
    assert_eq!(holds("2026-12-20T16:59:00Z"), "nobody is there", "a Sunday evening in Delhi");
    assert_eq!(holds("2026-12-20T17:00:00Z"), "end of the year, nobody is there");
    assert_eq!(holds("2026-12-24T12:00:00Z"), "end of the year");
    assert_eq!(holds("2026-11-20T10:29:00Z"), "");
    assert_eq!(holds("2026-11-20T10:30:00Z"), "nobody is there", "a Friday, 16:00");
    assert_eq!(holds("2026-11-20T18:30:00Z"), "", "it ends with the day");
}
