package client_test

import (
	"context"
	"errors"
	"fmt"

	"onevoice/client"
	"onevoice/problem"
)

// A command is done exactly once; where that cannot be known, the error says so.
func Example() {
	c, err := client.Dial(client.Options{
		Group:     1,
		Endpoints: []client.Endpoint{{Addr: "127.0.0.1:7483"}, {Addr: "127.0.0.1:7484"}, {Addr: "127.0.0.1:7485"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	reply, err := c.Do(context.Background(), []byte("a command in the encoding of the group's machine"), nil)
	var failed *client.Error
	switch {
	case errors.As(err, &failed) && failed.Problem.Kind == problem.TwoVoices:
		fmt.Println("stop: two servers contradicted each other:", err)
	case errors.As(err, &failed) && failed.MaybeApplied:
		fmt.Println("find out whether it was applied:", err)
	case err != nil:
		fmt.Println("not applied, try again:", err)
	default:
		fmt.Printf("applied at index %d.%d: %x\n", reply.Index, reply.Sub, reply.Result)
	}
}
