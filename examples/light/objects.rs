//! What is in the fake cluster: Deployments with two ReplicaSets each, their pods, and what stands around them, as an API
//! server hands them out, `managedFields` included. A pod takes 5.2 KB of JSON, as measured on real clusters with a
//! sidecar. Objects are written once and kept as text.

use serde_json::{Value, json};

/// How large the cluster is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Deployments, spread over namespaces of ten.
    pub deployments: usize,
    /// Pods, spread over the Deployments.
    pub pods: usize,
    /// SLOs, one a Deployment; the rest of them have none.
    pub slos: usize,
}

/// One object as text, cut where its resource version stands.
pub struct Object {
    before: String,
    after: String,
}

impl Object {
    fn new(value: &Value) -> Self {
        let text = value.to_string();
        let (before, after) = text.split_once(VERSION).expect("a version");
        Self { before: before.to_owned(), after: after.to_owned() }
    }

    /// Appends the object with this version.
    pub fn write(&self, version: u64, out: &mut Vec<u8>) {
        out.extend_from_slice(self.before.as_bytes());
        out.extend_from_slice(version.to_string().as_bytes());
        out.extend_from_slice(self.after.as_bytes());
    }
}

/// Stands for a version until it is known.
const VERSION: &str = "@version@";
const TEAM: usize = 10;
const CREATED: &str = "2026-11-01T08:00:00Z";
const NODES: usize = 40;

/// Name of a Deployment.
pub fn name(deployment: usize) -> String {
    format!("service-{deployment:04}")
}

/// Its namespace.
pub fn namespace(deployment: usize) -> String {
    format!("team-{:03}", deployment / TEAM)
}

fn metadata(kind: &str, namespace: &str, name: &str, labels: Value) -> Value {
    let uid = uid(kind, namespace, name);
    json!({"name": name, "namespace": namespace, "uid": uid, "resourceVersion": VERSION,
        "creationTimestamp": CREATED, "labels": labels})
}

/// A uid that is the same on every run.
fn uid(kind: &str, namespace: &str, name: &str) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in kind.bytes().chain(namespace.bytes()).chain(name.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{:08x}-{:04x}-4000-8000-{:012x}", hash >> 32, hash & 0xffff, hash >> 16)
}

fn hash(deployment: usize, revision: usize) -> String {
    format!("{:x}", 0x5d41_f3a0_usize + deployment * 97 + revision)
}

fn template(deployment: usize, revision: usize) -> Value {
    let name = name(deployment);
    let env = |n: usize| json!({"name": format!("SETTING_{n}"), "value": format!("value of {n} for {name}")});
    json!({"metadata": {"labels": {"app": name, "team": namespace(deployment)}}, "spec": {
        "containers": [{"name": "app", "image": format!("registry.example/{name}:1.{revision}.0"),
            "env": (0..4).map(env).collect::<Vec<_>>(), "imagePullPolicy": "IfNotPresent",
            "ports": [{"containerPort": 8080, "name": "http", "protocol": "TCP"}],
            "resources": {"limits": {"memory": "512Mi"}, "requests": {"cpu": "250m", "memory": "512Mi"}},
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
            "volumeMounts": [{"mountPath": "/etc/app", "name": "config"}]}],
        "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler",
        "securityContext": {}, "terminationGracePeriodSeconds": 30,
        "volumes": [{"configMap": {"defaultMode": 420, "name": format!("{name}-config")}, "name": "config"}]}})
}

fn owned(mut meta: Value, kind: &str, of: &str, namespace: &str) -> Value {
    meta["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": kind, "name": of,
        "uid": uid(kind, namespace, of), "controller": true, "blockOwnerDeletion": true}]);
    meta
}

fn managed(manager: &str, fields: Value) -> Value {
    json!({"apiVersion": "apps/v1", "fieldsType": "FieldsV1", "fieldsV1": fields, "manager": manager,
        "operation": "Update", "time": CREATED})
}

/// The Deployments.
pub fn deployments(size: Size) -> Vec<Object> {
    let each = |n: usize| {
        let (name, namespace) = (name(n), namespace(n));
        let replicas = replicas(size, n);
        let mut meta = metadata("Deployment", &namespace, &name, json!({"app": name}));
        meta["generation"] = json!(2);
        meta["annotations"] = json!({"deployment.kubernetes.io/revision": "2"});
        let fields = json!({"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": {}}}}});
        meta["managedFields"] = json!([managed("helm", fields)]);
        Object::new(&json!({"metadata": meta, "spec": {"replicas": replicas, "revisionHistoryLimit": 10,
                "progressDeadlineSeconds": 600, "selector": {"matchLabels": {"app": name}},
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
                "template": template(n, 2)},
            "status": {"observedGeneration": 2, "replicas": replicas, "updatedReplicas": replicas,
                "readyReplicas": replicas, "availableReplicas": replicas, "conditions": [
                {"type": "Available", "status": "True", "lastTransitionTime": CREATED, "reason": "MinimumReplicasAvailable"},
                {"type": "Progressing", "status": "True", "lastTransitionTime": CREATED, "reason": "NewReplicaSetAvailable"}]}}))
    };
    (0..size.deployments).map(each).collect()
}

fn replicas(size: Size, deployment: usize) -> usize {
    (0..size.pods).skip(deployment).step_by(size.deployments.max(1)).count()
}

/// Two ReplicaSets for each Deployment, the newer of which has all pods.
pub fn replica_sets(size: Size) -> Vec<Object> {
    let each = |n: usize, revision: usize| {
        let (name, namespace, hash) = (name(n), namespace(n), hash(n, revision));
        let replicas = if revision == 2 { replicas(size, n) } else { 0 };
        let labels = json!({"app": name, "pod-template-hash": hash});
        let set = format!("{name}-{hash}");
        let mut meta =
            owned(metadata("ReplicaSet", &namespace, &set, labels), "Deployment", &name, &namespace);
        meta["annotations"] = json!({"deployment.kubernetes.io/revision": revision.to_string()});
        let mut template = template(n, revision);
        template["metadata"]["labels"]["pod-template-hash"] = json!(hash);
        Object::new(&json!({"metadata": meta, "spec": {"replicas": replicas, "template": template},
            "status": {"replicas": replicas, "readyReplicas": replicas, "observedGeneration": 1}}))
    };
    (0..size.deployments).flat_map(|n| [each(n, 1), each(n, 2)]).collect()
}

/// A pod as it is while it serves, and while it does not.
pub struct PodTexts {
    /// Its readiness holds.
    pub ready: Object,
    /// It does not.
    pub unready: Object,
}

/// The pods.
pub fn pods(size: Size) -> Vec<PodTexts> {
    (0..size.pods)
        .map(|n| PodTexts {
            ready: Object::new(&pod(size, n, true)),
            unready: Object::new(&pod(size, n, false)),
        })
        .collect()
}

/// One pod with a sidecar.
fn pod(size: Size, n: usize, ready: bool) -> Value {
    let deployment = n % size.deployments.max(1);
    let (app, namespace, hash) = (name(deployment), namespace(deployment), hash(deployment, 2));
    let set = format!("{app}-{hash}");
    let labels = json!({"app": app, "pod-template-hash": hash, "team": namespace, "version": "1.2.0",
        "app.kubernetes.io/name": app, "app.kubernetes.io/part-of": "shop", "sidecar.example/inject": "true"});
    let name = format!("{set}-{:05x}", 0x2_0000 + n);
    let mut meta = owned(metadata("Pod", &namespace, &name, labels), "ReplicaSet", &set, &namespace);
    meta["generateName"] = json!(format!("{set}-"));
    meta["annotations"] = json!({"prometheus.io/scrape": "true", "prometheus.io/port": "8080",
        "checksum/config": "9c2f4e0d6a7b18c35d90e2f1a4b6c8d7e0f12345678900aabbccddeeff001122",
        "sidecar.example/status": "{\"initContainers\":null,\"containers\":[\"proxy\"],\"volumes\":[\"certs\",\"tmp\"]}"});
    meta["managedFields"] = json!([
        managed(
            "kube-controller-manager",
            json!({"f:metadata": {"f:annotations": {".": {}, "f:checksum/config": {},
            "f:prometheus.io/port": {}, "f:prometheus.io/scrape": {}}, "f:generateName": {}, "f:labels": {".": {},
            "f:app": {}, "f:app.kubernetes.io/name": {}, "f:app.kubernetes.io/part-of": {}, "f:pod-template-hash": {},
            "f:team": {}, "f:version": {}}, "f:ownerReferences": {".": {}, "k:{\"uid\":\"5d41f3a0\"}": {}}},
            "f:spec": {"f:containers": {"k:{\"name\":\"app\"}": {".": {}, "f:env": {".": {},
            "k:{\"name\":\"SETTING_0\"}": {".": {}, "f:name": {}, "f:value": {}},
            "k:{\"name\":\"SETTING_1\"}": {".": {}, "f:name": {}, "f:value": {}}},
            "f:image": {}, "f:imagePullPolicy": {}, "f:name": {}, "f:ports": {".": {},
            "k:{\"containerPort\":8080,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}, "f:name": {},
            "f:protocol": {}}}, "f:resources": {".": {}, "f:limits": {".": {}, "f:memory": {}}, "f:requests": {".": {},
            "f:cpu": {}, "f:memory": {}}}, "f:terminationMessagePath": {}, "f:terminationMessagePolicy": {},
            "f:volumeMounts": {".": {}, "k:{\"mountPath\":\"/etc/app\"}": {".": {}, "f:mountPath": {}, "f:name": {}}}}},
            "f:dnsPolicy": {}, "f:enableServiceLinks": {}, "f:restartPolicy": {}, "f:schedulerName": {},
            "f:securityContext": {}, "f:terminationGracePeriodSeconds": {}}})
        ),
        managed(
            "kubelet",
            json!({"f:status": {"f:conditions": {"k:{\"type\":\"ContainersReady\"}": {".": {},
            "f:lastProbeTime": {}, "f:lastTransitionTime": {}, "f:status": {}, "f:type": {}},
            "k:{\"type\":\"Initialized\"}": {".": {}, "f:status": {}, "f:type": {}},
            "k:{\"type\":\"Ready\"}": {".": {}, "f:lastTransitionTime": {}, "f:status": {}, "f:type": {}}},
            "f:containerStatuses": {}, "f:hostIP": {}, "f:phase": {}, "f:podIP": {}, "f:podIPs": {".": {},
            "k:{\"ip\":\"10.1.2.3\"}": {".": {}, "f:ip": {}}}, "f:startTime": {}}})
        )
    ]);
    let status = if ready { "True" } else { "False" };
    let condition = |kind: &str, status: &str| json!({"type": kind, "status": status, "lastProbeTime": null, "lastTransitionTime": CREATED});
    let container = |name: &str, ready: bool| {
        json!({"name": name, "ready": ready, "restartCount": u8::from(!ready), "started": true,
            "image": format!("registry.example/{name}:1.2.0"),
            "imageID": format!("registry.example/{name}@sha256:{:064x}", 0x9c2f_4e0d_6a7b_u64),
            "containerID": format!("containerd://{:064x}", 0x1_0000_0000_usize + n), "lastState": {},
            "state": {"running": {"startedAt": CREATED}}})
    };
    let mut spec = template(deployment, 2)["spec"].clone();
    spec["nodeName"] = json!(format!("node-{:02}", n % NODES));
    spec["serviceAccountName"] = json!("default");
    spec["tolerations"] = json!([{"effect": "NoExecute", "key": "node.kubernetes.io/not-ready", "operator": "Exists",
        "tolerationSeconds": 300}, {"effect": "NoExecute", "key": "node.kubernetes.io/unreachable",
        "operator": "Exists", "tolerationSeconds": 300}]);
    json!({"metadata": meta, "spec": spec, "status": {"phase": "Running", "hostIP": "10.0.0.7", "podIP": "10.1.2.3",
        "podIPs": [{"ip": "10.1.2.3"}], "qosClass": "Burstable", "startTime": CREATED,
        "conditions": [condition("Initialized", "True"), condition("Ready", status),
            condition("ContainersReady", status), condition("PodScheduled", "True")],
        "containerStatuses": [container("app", ready), container("proxy", true)]}})
}

/// Nodes that are well.
pub fn nodes() -> Vec<Object> {
    let each = |n: usize| {
        let condition = |kind: &str, status: &str| json!({"type": kind, "status": status, "lastHeartbeatTime": CREATED, "lastTransitionTime": CREATED});
        let name = format!("node-{n:02}");
        let mut meta = metadata("Node", "", &name, json!({"kubernetes.io/hostname": name}));
        meta.as_object_mut().expect("metadata").shift_remove("namespace");
        Object::new(&json!({"metadata": meta, "status": {"conditions": [condition("MemoryPressure", "False"),
            condition("DiskPressure", "False"), condition("Ready", "True")]}}))
    };
    (0..NODES).map(each).collect()
}

/// A Service for each Deployment.
pub fn services(size: Size) -> Vec<Object> {
    let each = |n: usize| {
        let (name, namespace) = (name(n), namespace(n));
        Object::new(&json!({"metadata": metadata("Service", &namespace, &name, json!({"app": name})),
            "spec": {"type": "ClusterIP", "selector": {"app": name},
                "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": "http"}]}}))
    };
    (0..size.deployments).map(each).collect()
}

/// A ConfigMap for each Deployment, by metadata; the same stands for its Secret.
pub fn referenced(size: Size, kind: &str, suffix: &str) -> Vec<Object> {
    let each = |n: usize| {
        let (name, namespace) = (format!("{}-{suffix}", name(n)), namespace(n));
        let mut meta = metadata(kind, &namespace, &name, json!({"app": name}));
        meta["managedFields"] = json!([managed("helm", json!({"f:data": {".": {}, "f:app.conf": {}}}))]);
        Object::new(
            &json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": meta}),
        )
    };
    (0..size.deployments).map(each).collect()
}

/// A ConfigMap with its content.
pub fn config_map(namespace: &str, name: &str) -> Object {
    let mut meta = metadata("ConfigMap", namespace, name, json!({}));
    meta["managedFields"] = json!([managed("helm", json!({"f:data": {".": {}, "f:app.conf": {}}}))]);
    Object::new(
        &json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": meta, "data": {"app.conf": "timeout=5s"}}),
    )
}

/// A few Events of pods that were created.
pub fn events(size: Size) -> Vec<Object> {
    let each = |n: usize| {
        let (name, namespace) = (name(n), namespace(n));
        let meta = metadata("Event", &namespace, &format!("{name}.17a8"), json!({}));
        Object::new(&json!({"metadata": meta, "involvedObject": {"kind": "Pod", "name": format!("{name}-x"),
            "namespace": namespace}, "type": "Normal", "reason": "Created", "message": "Created container app",
            "lastTimestamp": CREATED, "count": 1}))
    };
    (0..size.deployments.min(200)).map(each).collect()
}
