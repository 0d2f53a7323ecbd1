package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"onevoice/subject"
	"onevoice/wire"
)

// DialTLS is DialTCP over TLS; nil for config is DialTCP. The server's certificate has to be good by config, whose ServerName is
// the endpoint's host where it is empty, and has to be that of the server, of the cluster, that answers.
func DialTLS(ctx context.Context, e Endpoint, cluster wire.ID, config *tls.Config) (Conn, error) {
	conn, _, err := dial(ctx, e, cluster, config, bufferBytes)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// sealed is a connection over TLS. Close ends it without a farewell, which could wait for a side that does not read.
type sealed struct{ *tls.Conn }

// Close ends the connection at once.
func (s sealed) Close() error { return s.NetConn().Close() }

// seal makes a connection one over TLS, or leaves it as it is without config.
func seal(ctx context.Context, raw net.Conn, e Endpoint, config *tls.Config) (net.Conn, error) {
	if config == nil {
		return raw, nil
	}
	config = config.Clone()
	if config.ServerName == "" {
		host, _, err := net.SplitHostPort(e.Addr)
		if err != nil {
			return nil, err
		}
		config.ServerName = host
	}
	s := tls.Client(raw, config)
	if err := s.HandshakeContext(ctx); err != nil {
		var record tls.RecordHeaderError
		if errors.As(err, &record) {
			return nil, errors.New("the server does not speak TLS")
		}
		return nil, err
	}
	return sealed{s}, nil
}

// provedBy says what is wrong where a connection's certificate is not that of the server who answered on it.
func provedBy(conn net.Conn, welcome wire.Hello) error {
	s, ok := conn.(sealed)
	if !ok {
		return nil
	}
	claim, err := subject.FindClaim(s.ConnectionState().PeerCertificates[0].URIs)
	if err == nil && (claim.Kind != subject.Server || claim.Server != welcome.Server || claim.Cluster != welcome.Cluster) {
		err = fmt.Errorf("it is that of %s %s, number %d of cluster %x", claim.Kind, claim.Name, claim.Server, claim.Cluster)
	}
	if err != nil {
		return fmt.Errorf("its certificate is not that of server %d of cluster %x: %w", welcome.Server, welcome.Cluster, err)
	}
	return nil
}
