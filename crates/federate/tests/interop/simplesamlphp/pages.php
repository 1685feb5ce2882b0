<?php
// An application with SimpleSAMLphp as its service provider: /page tells who the person is, /who
// tells it without a sign-in, /out ends the session, and /leave ends it here alone. Every other address is SimpleSAMLphp's own.

$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if (!in_array($path, ['/page', '/who', '/out', '/leave', '/done'])) {
    return false;
}
require $_SERVER['DOCUMENT_ROOT'] . '/../lib/_autoload.php';
$person = new SimpleSAML\Auth\Simple('sp');
$base = 'http://' . $_SERVER['HTTP_HOST'];
header('Content-Type: application/json');
if ($path === '/out') {
    $person->logout(['ReturnTo' => "$base/done", 'ReturnStateParam' => 'state', 'ReturnStateStage' => 'out']);
}
if ($path === '/leave') {
    SimpleSAML\Session::getSessionFromRequest()->doLogout('sp');
    echo json_encode(['name' => null]);
    return true;
}
if ($path === '/done') {
    $state = SimpleSAML\Auth\State::loadState($_GET['state'], 'out');
    echo json_encode(['status' => $state['saml:sp:LogoutStatus']]);
    return true;
}
if ($path === '/who' && !$person->isAuthenticated()) {
    echo json_encode(['name' => null]);
    return true;
}
$person->requireAuth();
$name = $person->getAuthData('saml:sp:NameID');
echo json_encode([
    'name' => $name->getValue(),
    'issuer' => $person->getAuthData('saml:sp:IdP'),
    'name_id' => $name->getValue(),
    'format' => $name->getFormat(),
    'session_index' => $person->getAuthData('saml:sp:SessionIndex'),
    'authn_context' => $person->getAuthData('saml:sp:AuthnContext'),
    'attributes' => $person->getAttributes(),
]);
return true;
