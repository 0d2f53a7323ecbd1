package cert

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"onevoice/internal/fresh"
)

// The types of the blocks in our files.
const (
	certificateBlock = "CERTIFICATE"
	keyBlock         = "PRIVATE KEY"
)

// maxCertificates bounds the certificates of one file: the authorities of one cluster while they are exchanged, with room.
const maxCertificates = 64

// ParseCertificates reads the certificates of a PEM file, of which there is at least one, and nothing else in it. The error
// names the file.
func ParseCertificates(name string, content []byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for rest := content; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != certificateBlock {
			return nil, fmt.Errorf("%s holds a block of type %.40q, allowed: %s only; keep keys in files of their own", name, block.Type, certificateBlock)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: certificate %d: %w", name, len(all)+1, err)
		}
		if all = append(all, c); len(all) > maxCertificates {
			return nil, fmt.Errorf("%s holds more than %d certificates", name, maxCertificates)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s holds no certificate, allowed: PEM blocks of type %s", name, certificateBlock)
	}
	return all, nil
}

// ParseKey reads the one private key of a PEM file. The error names the file and nothing of its content.
func ParseKey(name string, content []byte) (crypto.Signer, error) {
	block, rest := pem.Decode(content)
	if block == nil {
		return nil, fmt.Errorf("%s holds no private key, allowed: one PEM block of type %s", name, keyBlock)
	}
	if more, _ := pem.Decode(rest); more != nil {
		return nil, fmt.Errorf("%s holds more than one PEM block, allowed: one private key", name)
	}
	var key any
	var err error
	switch block.Type {
	case keyBlock:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY": // as openssl writes it
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("%s holds a block of type %.40q, allowed: %s, not encrypted", name, block.Type, keyBlock)
	}
	signer, ok := key.(crypto.Signer)
	if err != nil || !ok {
		return nil, fmt.Errorf("%s: not a private key that can sign", name) // the cause could quote the key
	}
	return signer, nil
}

// ReadKey reads a private key from a file that only its owner, and at most its group, may read.
func ReadKey(name string) (crypto.Signer, error) {
	content, err := fresh.Read(name)
	if err != nil {
		return nil, err
	}
	if err := checkMode(name); err != nil {
		return nil, err
	}
	return ParseKey(name, content)
}

// checkMode refuses the file of a key that others may read.
func checkMode(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o037 != 0 {
		return fmt.Errorf("%s has mode %#o, allowed: 0600, or 0640 for a group that runs the server: others could read the key; chmod 600 %[1]s, "+
			"and issue a new certificate if others were on this machine", name, mode)
	}
	return nil
}

func encodeCertificates(all ...*x509.Certificate) []byte {
	var b []byte
	for _, c := range all {
		b = append(b, pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: c.Raw})...)
	}
	return b
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: der}), nil
}

// writeNew makes a file that is not there yet, durably.
func writeNew(name string, content []byte, mode os.FileMode) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

// replace exchanges a file's content at once: whoever reads it finds the old or the new.
func replace(name string, content []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // it is gone once renamed
	_, err = f.Write(content)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
