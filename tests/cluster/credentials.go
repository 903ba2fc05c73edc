package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// The tokens are constants on purpose: the server listens on loopback, lives for a test run and holds test data.
const (
	adminToken = "admin-token"
	userToken  = "user-token"
)

// credentials are the files that the components and their clients trust each other by.
type credentials struct {
	tlsCert, tlsKey, ca, serviceAccountKey, serviceAccountPub, tokens, kubeconfig string
	pool                                                                          *x509.CertPool
}

// writeCredentials makes a certificate authority, a serving certificate, the key of the service account tokens, a token
// file (an admin and a user without rights) and a kubeconfig with a context for each of the two.
func writeCredentials(dir, kubeconfig, server string) (*credentials, error) {
	in := func(name string) string { return filepath.Join(dir, name) }
	c := &credentials{
		tlsCert: in("tls.crt"), tlsKey: in("tls.key"), ca: in("ca.crt"), kubeconfig: kubeconfig,
		serviceAccountKey: in("sa.key"), serviceAccountPub: in("sa.pub"), tokens: in("tokens.csv"),
	}
	if err := c.writeServiceAccountKey(); err != nil {
		return nil, err
	}
	if err := c.writeServingCertificate(); err != nil {
		return nil, err
	}
	tokens := fmt.Sprintf("%s,admin,admin,system:masters\n%s,user,user,\n", adminToken, userToken)
	if err := os.WriteFile(c.tokens, []byte(tokens), 0o600); err != nil {
		return nil, err
	}
	return c, os.WriteFile(kubeconfig, []byte(c.kubeconfigText(server)), 0o600)
}

func (c *credentials) kubeconfigText(server string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
clusters:
- {name: testcluster, cluster: {server: %q, certificate-authority: %q}}
users:
- {name: admin, user: {token: %s}}
- {name: user, user: {token: %s}}
contexts:
- {name: admin, context: {cluster: testcluster, user: admin}}
- {name: user, context: {cluster: testcluster, user: user}}
current-context: admin
`, server, c.ca, adminToken, userToken)
}

func (c *credentials) writeServiceAccountKey() error {
	key, err := newKey(c.serviceAccountKey)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	return writePEM(c.serviceAccountPub, "PUBLIC KEY", public)
}

func (c *credentials) writeServingCertificate() error {
	// The authority signs one certificate and is then forgotten: its key is written nowhere.
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	authority := certificate(1, "testcluster-ca")
	authority.IsCA, authority.BasicConstraintsValid = true, true
	authority.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	if err != nil {
		return err
	}
	if authority, err = x509.ParseCertificate(der); err != nil {
		return err
	}
	c.pool = x509.NewCertPool()
	c.pool.AddCert(authority)
	if err := writePEM(c.ca, "CERTIFICATE", der); err != nil {
		return err
	}
	key, err := newKey(c.tlsKey)
	if err != nil {
		return err
	}
	leaf := certificate(2, "kube-apiserver")
	leaf.KeyUsage, leaf.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	leaf.DNSNames = []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"}
	leaf.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 0, 0, 1)}
	if der, err = x509.CreateCertificate(rand.Reader, leaf, authority, key.Public(), authorityKey); err != nil {
		return err
	}
	return writePEM(c.tlsCert, "CERTIFICATE", der)
}

func certificate(serial int64, name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * time.Hour),
	}
}

func newKey(file string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, writePEM(file, "EC PRIVATE KEY", der)
}

func writePEM(file, kind string, der []byte) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
