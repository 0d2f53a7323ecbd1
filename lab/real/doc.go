// Package real runs clusters of real server processes under faults of a real network, and judges what their clients saw with
// the judges of the simulated world.
// It is a laboratory: processes, signals, sockets, network namespaces and packet filter rules; Linux only.
//
// A run of a Scenario happens in a process of its own (the worker), in a network namespace and a process namespace that the
// kernel makes for it and takes away with it: whatever ends the worker, its servers end too, stopped ones included, and its
// rules and addresses are gone. So several runs may go side by side, and none touches the machine's own network.
//
// In the namespace every party has a loopback address of its own, and a fault is a rule between two addresses. Inside a worker
// the parts are Go values that another program may drive: Start gives a Cluster, its Network cuts and delays links,
// StartLoad works on it and keeps the Record that Judge judges.
package real
